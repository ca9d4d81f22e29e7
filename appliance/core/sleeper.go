package core

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/push"
	"sallyport/appliance/sip"
)

// A sleeper is a phone that can be woken: how, and where its calls go while it
// is registered. It is kept sealed in state: what wakes a phone is nobody
// else's business.
type sleeper struct {
	Key     flow.Key // which phone, wherever it registers next
	URI     string   // its own, without push parameters
	Path    []string // of its edge
	Peer    uint64   // that edge
	Device  push.Device
	Self    bool // it promised to renew its registration unasked (sip.pnsreg)
	Since   time.Time
	Lasts   time.Duration
	Expires time.Time

	spread time.Duration // by how many thousandths of the lead it is woken earlier to register again
	tries  int           // so many times it was
	asked  time.Time     // when it was woken last
}

// maxSleepers bounds the phones that can be woken.
const maxSleepers = 20_000

// sleepers are the phones that can be woken, by the Path value of their edge,
// which stands in the Route of what comes for them. What wakes one another
// waits for is in waiting.
type sleepers struct {
	core *Core

	mu    sync.Mutex // guards all below
	known map[string]*sleeper
	place map[flow.Key]string // in known
	waits map[flow.Key][]chan sleeper
	held  map[string]int // by user
	total int
	mute  map[*unanswered]bool // what phones have not said a word to
}

func (c *Core) newSleepers() *sleepers {
	s := &sleepers{core: c, known: map[string]*sleeper{}, place: map[flow.Key]string{}, waits: map[flow.Key][]chan sleeper{}, held: map[string]int{}, mute: map[*unanswered]bool{}}
	s.restore()
	return s
}

// restore takes back what an earlier life of the process kept.
func (s *sleepers) restore() {
	s.core.sleeping.Range(func(place string, sealed []byte, _ time.Time) bool {
		var one sleeper
		plain, err := s.core.tokens.keys.Open(purposeSleeper, inside, string(sealed))
		if err == nil && json.Unmarshal(plain, &one) == nil {
			one.spread = s.spread(one)
			s.known[place], s.place[one.Key] = &one, place
		}
		return true
	})
}

// placeOf is where the phone behind a Path or Route is filed; "" if there is
// none.
func placeOf(path []string) string {
	na, err := sip.ParseNameAddr(first(path))
	if err != nil || na.URI.User == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(na.URI.User))
	return hex.EncodeToString(sum[:12])
}

// keep files a phone that has registered, and hands it to whatever waits for
// it. Where it was before it is no more.
func (s *sleepers) keep(one sleeper) error {
	text, err := json.Marshal(one)
	if err == nil && len(text) > maxText {
		err = fmt.Errorf("%d bytes", len(text))
	}
	if err != nil {
		return fmt.Errorf("keep push parameters: %w", err)
	}
	place := placeOf(one.Path)
	sealed := s.core.tokens.keys.Seal(purposeSleeper, inside, text)
	if err := s.core.sleeping.Put(place, []byte(sealed), one.Lasts+contactSlack); err != nil {
		return fmt.Errorf("keep push parameters: %w", err)
	}
	one.spread = s.spread(one)
	s.mu.Lock()
	defer s.mu.Unlock()
	if before, ok := s.place[one.Key]; ok && before != place {
		s.dropLocked(before)
	}
	if was := s.known[place]; was != nil {
		delete(s.place, was.Key)
	}
	s.known[place], s.place[one.Key] = &one, place
	for _, w := range s.waits[one.Key] {
		w <- one // it has room for one
	}
	delete(s.waits, one.Key)
	return nil
}

// spread keeps phones that registered together from being woken together. Those
// that renew by themselves have until the last moment that they were told of.
func (s *sleepers) spread(one sleeper) time.Duration {
	if one.Self {
		return 0
	}
	return time.Duration(s.core.rand() % 500)
}

// due is when a phone is to be woken to register again, and once more should it
// not have come; zero: not any more.
func (one sleeper) due(lead time.Duration) time.Time {
	switch one.tries {
	case 0:
		return one.Expires.Add(-lead - lead*one.spread/1000)
	case 1:
		return one.Expires.Add(-lead / 3)
	}
	return time.Time{}
}

// lead is how long before its end a registration is to be renewed.
func (p *Plan) lead(lasts time.Duration) time.Duration {
	return min(p.PushLead, lasts/2).Truncate(time.Second)
}

// at is the phone behind a Route.
func (s *sleepers) at(route []string) (sleeper, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	one := s.known[placeOf(route)]
	if one == nil || !s.core.cfg.Clock().Before(one.Expires) {
		return sleeper{}, false
	}
	return *one, true
}

// forget drops a phone, by where it is filed.
func (s *sleepers) forget(place string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropLocked(place)
}

func (s *sleepers) dropLocked(place string) {
	if one := s.known[place]; one != nil {
		delete(s.known, place)
		if s.place[one.Key] == place {
			delete(s.place, one.Key)
		}
	}
	s.core.sleeping.Delete(place)
}

// Bounds of what waits for phones.
const (
	maxHeld     = 1000
	maxHeldEach = 10 // for one user
)

// wait has a place among those who wait for a phone; leave gives it up. If it
// has registered since, it is in the channel already. ok is false where too many
// wait.
func (s *sleepers) wait(one sleeper) (back <-chan sleeper, leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	user := one.Key.AOR
	if s.total >= maxHeld || s.held[user] >= maxHeldEach {
		return nil, nil, false
	}
	s.total++
	s.held[user]++
	w := make(chan sleeper, 1)
	if now := s.known[s.place[one.Key]]; now != nil && now.Since.After(one.Since) {
		w <- *now
	} else {
		s.waits[one.Key] = append(s.waits[one.Key], w)
	}
	return w, func() { s.leave(one.Key, w) }, true
}

func (s *sleepers) leave(key flow.Key, w chan sleeper) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.held[key.AOR]--; s.held[key.AOR] == 0 {
		delete(s.held, key.AOR)
	}
	if rest := slices.DeleteFunc(s.waits[key], func(o chan sleeper) bool { return o == w }); len(rest) > 0 {
		s.waits[key] = rest
	} else {
		delete(s.waits, key)
	}
}

// between is the least time from one notification to the next for one phone:
// calls that come together wake it once.
const between = 3 * time.Second

// mayAsk takes the right to wake a phone now. One that has registered since is
// awake.
func (s *sleepers) mayAsk(one sleeper, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	known := s.known[placeOf(one.Path)]
	if known == nil || known.Since.After(one.Since) || now.Sub(known.asked) < between {
		return false
	}
	known.asked = now
	return true
}

// unasked says that a phone was not woken after all: the next call may try.
func (s *sleepers) unasked(place string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.known[place]; one != nil {
		one.asked = time.Time{}
	}
}

// overdue takes the phones that are to be woken now to register again, those
// with the least time left first, and drops those whose registration is over.
func (s *sleepers) overdue(now time.Time, most int) (all []sleeper) {
	plan := s.core.plan.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	for place, one := range maps.Clone(s.known) {
		due := one.due(plan.lead(one.Lasts))
		switch {
		case !now.Before(one.Expires):
			s.dropLocked(place)
		case !due.IsZero() && !now.Before(due):
			all = append(all, *one)
		}
	}
	slices.SortFunc(all, func(a, b sleeper) int { return cmp.Or(a.Expires.Compare(b.Expires), cmp.Compare(a.URI, b.URI)) })
	all = all[:min(len(all), most)]
	for _, one := range all {
		s.known[placeOf(one.Path)].tries++
	}
	return all
}

func (s *sleepers) count() (phones, held int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.known), s.total
}

// of is a phone as it is registered now.
func (s *sleepers) of(key flow.Key) (sleeper, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if one := s.known[s.place[key]]; one != nil {
		return *one, true
	}
	return sleeper{}, false
}
