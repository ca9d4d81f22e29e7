package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// maxWatched bounds who may watch one phone.
const maxWatched = 64

// onSubscribe takes a subscription to the phone itself and tells its watcher
// the present state at once.
func (p *Phone) onSubscribe(t *serverTx) {
	d := dialogFrom(t.req)
	w := &phoneWatcher{d, t.req.Get("Event")}
	p.mu.Lock()
	room := len(p.watched) < maxWatched
	if room {
		p.watched = append(p.watched, w)
	}
	state := p.state
	p.mu.Unlock()
	if !room {
		t.reply(503, "Too Many Subscriptions", d.localTag)
		return
	}
	t.reply(200, "OK", d.localTag, func(m *Message) {
		for _, rr := range t.req.All("Record-Route") {
			m.Add("Record-Route", rr)
		}
		m.Add("Contact", p.contact(false)).Add("Expires", t.req.Get("Expires"))
	})
	p.background(func() {
		ctx, cancel := context.WithTimeout(context.Background(), transferTime)
		defer cancel()
		p.tell(ctx, w, state)
	})
}

// renewed answers a watcher's refresh and follows it to its new Contact; false
// if it is no watcher's.
func (p *Phone) renewed(t *serverTx) bool {
	p.mu.Lock()
	i := slices.IndexFunc(p.watched, func(w *phoneWatcher) bool { return w.callID == t.req.Get("Call-ID") })
	var w *phoneWatcher
	if i >= 0 {
		w = p.watched[i]
	}
	p.mu.Unlock()
	if w == nil {
		return false
	}
	w.refresh(t.req)
	t.reply(200, "OK", "", func(m *Message) { m.Add("Contact", p.contact(false)).Add("Expires", t.req.Get("Expires")) })
	return true
}

// phoneWatcher is one who watches a phone.
type phoneWatcher struct {
	*dialog
	event string
}

// Notify tells everybody who watches the phone a new state and waits until they
// have heard it.
func (p *Phone) Notify(ctx context.Context, state string) error {
	p.mu.Lock()
	p.state = state
	all := slices.Clone(p.watched)
	p.mu.Unlock()
	var errs []error
	for _, w := range all {
		errs = append(errs, p.tell(ctx, w, state))
	}
	if len(all) == 0 {
		errs = append(errs, fmt.Errorf("lab: nobody watches %s", p.cfg.User))
	}
	return errors.Join(errs...)
}

func (p *Phone) tell(ctx context.Context, w *phoneWatcher, state string) error {
	m := w.request("NOTIFY", 0).Add("Contact", p.contact(false)).Add("Event", w.event).Add("Subscription-State", "active;expires=300")
	if state != "" {
		m.Add("Content-Type", "text/plain").Body = []byte(state)
	}
	_, err := p.inDialog(ctx, w.dialog, m)
	return err
}
