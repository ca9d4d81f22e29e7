package auth

import (
	"container/list"
	"time"

	"sallyport/appliance/door"
)

// pending is a client that was sent to its identity provider.
type pending struct {
	client  Client
	idp     IdP
	ask     ask
	expires time.Time
	source  string // whom the client counts as
	id      string
}

// Bounds of who is on the way to an identity provider. When there are too many,
// or they hold too much, the source with most of them loses its oldest: whoever
// begins and never ends drives out himself first.
const (
	maxPending      = 10_000
	maxPendingBytes = 16 << 20
	maxPendingEach  = 500 // of one source
	pendingLife     = 5 * time.Minute
)

// waiting are those, by the id of the question that the answer must name, and
// in the order in which they went.
type waiting struct {
	all   map[string]*list.Element
	order list.List      // of pending
	by    map[string]int // how many of a source
	bytes int
}

func newWaiting() *waiting {
	return &waiting{all: map[string]*list.Element{}, by: map[string]int{}}
}

// size is about what one holds that its client chose.
func (p pending) size() int {
	n := 512
	for k, v := range p.ask.query {
		n += 64 + len(k)
		for _, one := range v {
			n += len(one)
		}
	}
	return n + len(p.ask.back) + len(p.ask.basic)
}

// add keeps one, and lets others go as need be.
func (w *waiting) add(id string, p pending, now time.Time) {
	p.source, p.id, p.expires = door.Named(p.client.Source), id, now.Add(pendingLife)
	for e := w.order.Front(); e != nil && !now.Before(e.Value.(pending).expires); e = w.order.Front() {
		w.drop(e)
	}
	if w.by[p.source] >= maxPendingEach {
		w.drop(w.oldest(p.source))
	}
	for len(w.all) > 0 && (len(w.all) >= maxPending || w.bytes+p.size() > maxPendingBytes) {
		w.drop(w.oldest(w.greediest()))
	}
	w.all[id] = w.order.PushBack(p)
	w.by[p.source]++
	w.bytes += p.size()
}

func (w *waiting) drop(e *list.Element) pending {
	p := w.order.Remove(e).(pending)
	delete(w.all, p.id)
	w.bytes -= p.size()
	if w.by[p.source]--; w.by[p.source] <= 0 {
		delete(w.by, p.source)
	}
	return p
}

func (w *waiting) greediest() (source string) {
	for s, n := range w.by {
		if n > w.by[source] {
			source = s
		}
	}
	return source
}

// oldest is the first that a source has, which is there.
func (w *waiting) oldest(source string) *list.Element {
	e := w.order.Front()
	for e.Value.(pending).source != source {
		e = e.Next()
	}
	return e
}

// await keeps who was sent away under the id of the question.
func (s *SSO) await(id string, p pending) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pending.add(id, p, s.cfg.Clock())
}

// take is who was sent away under an id; each id is good for one answer.
func (s *SSO) take(id, domain string) (pending, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.pending.all[id]
	if !ok || e.Value.(pending).client.Domain != domain {
		return pending{}, false
	}
	p := s.pending.drop(e)
	return p, s.cfg.Clock().Before(p.expires)
}
