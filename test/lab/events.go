package lab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// published is the newest state of an event package for a user.
type published struct{ contentType, body string }

// watcher is a subscription that the registrar serves as notifier.
type watcher struct {
	*dialog
	user, event string
	expiry      *time.Timer
}

const maxWatchers = 4096

// notified tells whether the registrar itself is the notifier of an event.
func notified(m *Message) bool {
	event := m.Get("Event")
	return event == "presence" || event == "message-summary" || event == "dialog"
}

func stateKey(event, user string) string { return event + " " + user }

// isWatch tells whether a request belongs to a subscription served here.
func (r *Registrar) isWatch(m *Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return m.Method() == "SUBSCRIBE" && paramOf(m.Get("To"), "tag") != "" && r.watchers[m.Get("Call-ID")] != nil
}

// subscribe accepts a new subscription and notifies at once.
func (r *Registrar) subscribe(t *serverTx, user string) {
	if _, known := r.cfg.Accounts[user]; !known {
		t.reply(404, "Not Found", randomHex(5))
		return
	}
	w := &watcher{dialog: dialogFrom(t.req), user: user, event: t.req.Get("Event")}
	r.mu.Lock()
	room := len(r.watchers) < maxWatchers
	if room {
		w.expiry = time.AfterFunc(r.cfg.MaxExpires, func() { r.unwatch(w) })
		r.watchers[w.callID] = w
	}
	r.mu.Unlock()
	if !room {
		t.reply(503, "Too Many Subscriptions", w.localTag)
		return
	}
	r.acceptWatch(t, w)
}

// watch renews or ends a subscription within its dialog.
func (r *Registrar) watch(t *serverTx) {
	r.mu.Lock()
	w := r.watchers[t.req.Get("Call-ID")]
	r.mu.Unlock()
	r.acceptWatch(t, w)
}

func (r *Registrar) acceptWatch(t *serverTx, w *watcher) {
	expires, err := strconv.Atoi(t.req.Get("Expires"))
	if err != nil || expires < 0 {
		expires = 300
	}
	t.reply(200, "OK", w.localTag, func(m *Message) {
		for _, rr := range t.req.All("Record-Route") {
			m.Add("Record-Route", rr)
		}
		m.Add("Contact", r.contactFor(t.link)).Add("Expires", fmt.Sprint(expires))
	})
	w.expiry.Reset(time.Duration(expires) * time.Second)
	state := fmt.Sprintf("active;expires=%d", expires)
	if expires == 0 {
		state = "terminated;reason=timeout"
		r.unwatch(w)
	}
	r.background(func() { r.notify(w, state) })
}

func (r *Registrar) contactFor(l *link) string {
	return fmt.Sprintf("<sip:%s;transport=%s>", r.sentBy(l), strings.ToLower(l.network))
}

func (r *Registrar) unwatch(w *watcher) {
	r.mu.Lock()
	defer r.mu.Unlock()
	w.expiry.Stop()
	delete(r.watchers, w.callID)
}

// notify sends the present state to a watcher and waits for its answer.
func (r *Registrar) notify(w *watcher, state string) {
	r.mu.Lock()
	p := r.states[stateKey(w.event, w.user)]
	r.mu.Unlock()
	l, err := r.linkFor(hop{uri: w.hop()})
	if err != nil {
		return
	}
	m := w.request("NOTIFY", 0).Add("Contact", r.contactFor(l)).Add("Event", w.event).Add("Subscription-State", state)
	if p.body != "" {
		m.Add("Content-Type", p.contentType).Body = []byte(p.body)
	}
	done := make(chan int, 1)
	r.start(l, m, func(resp *Message) {
		if resp.Status() >= 200 {
			done <- resp.Status()
		}
	})
	ctx, cancel := context.WithTimeout(r.life, 10*time.Second)
	defer cancel()
	select {
	case status := <-done:
		if status == 481 {
			r.unwatch(w)
		}
	case <-ctx.Done():
	}
}

// publish takes a user's own state and tells the watchers.
func (r *Registrar) publish(t *serverTx, user string) {
	event := t.req.Get("Event")
	if _, known := r.cfg.Accounts[user]; !known || !notified(t.req) {
		t.reply(489, "Bad Event", randomHex(5))
		return
	}
	t.reply(200, "OK", randomHex(5), func(m *Message) { m.Add("SIP-ETag", randomHex(6)).Add("Expires", "300") })
	r.setState(event, user, published{t.req.Get("Content-Type"), string(t.req.Body)})
}

// SetWaiting sets how many voice messages wait for a user.
func (r *Registrar) SetWaiting(user string, n int) {
	yes := "no"
	if n > 0 {
		yes = "yes"
	}
	body := fmt.Sprintf("Messages-Waiting: %s\r\nVoice-Message: %d/0 (0/0)\r\n", yes, n)
	r.setState("message-summary", user, published{"application/simple-message-summary", body})
}

func (r *Registrar) setState(event, user string, p published) {
	r.mu.Lock()
	r.states[stateKey(event, user)] = p // bounded by the accounts and the two packages
	var tell []*watcher
	for _, w := range r.watchers {
		if w.event == event && w.user == user {
			tell = append(tell, w)
		}
	}
	r.mu.Unlock()
	for _, w := range tell {
		r.background(func() { r.notify(w, "active") })
	}
}
