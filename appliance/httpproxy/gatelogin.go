package httpproxy

import (
	"context"
	"crypto/sha256"
	"net/http"
	"sync"
	"time"
)

// ticketLife is how long edge goes by what core said of a cookie: so long a
// login that core ends may still pass edge, never core.
const ticketLife = 30 * time.Second

// ticketWait is how long a request waits for core's word about a cookie.
const ticketWait = 2 * time.Second

// maxTickets bounds what edge remembers of core's answers.
const maxTickets = 20_000

// tickets are core's answers about cookies, for edge to turn strangers away by
// itself. Only cookies of live logins are remembered, and domains that need
// none.
type tickets struct {
	clock func() time.Time

	mu    sync.Mutex
	held  map[ticketKey]heldTicket
	swept time.Time
}

type ticketKey [sha256.Size]byte

type heldTicket struct {
	Ticket
	until time.Time
}

func keyOfTicket(domain, cookie string) ticketKey {
	return sha256.Sum256([]byte(domain + "\x00" + cookie))
}

func (t *tickets) get(k ticketKey) (Ticket, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	h, ok := t.held[k]
	return h.Ticket, ok && t.clock().Before(h.until)
}

func (t *tickets) put(k ticketKey, ticket Ticket) {
	now := t.clock()
	until := now.Add(ticketLife)
	if ticket.Needed && ticket.Expires.Before(until) {
		until = ticket.Expires
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = map[ticketKey]heldTicket{}
	}
	if len(t.held) >= maxTickets && now.Sub(t.swept) >= time.Second {
		t.swept = now
		for old, h := range t.held {
			if !now.Before(h.until) {
				delete(t.held, old)
			}
		}
	}
	if len(t.held) < maxTickets { // else it is asked for each time
		t.held[k] = heldTicket{ticket, until}
	}
}

// checkLogin turns away at edge what no login lets in, so that it never gets
// inside. What leads nowhere anyway is left to core, which says why. It sets
// the visit's user where core knows one.
func (g *Gate) checkLogin(r *http.Request, v *visit) (no *refusal) {
	t := v.target
	if v.bad != nil || t.Scheme == "" || v.device != "" || g.cfg.Ticket == nil {
		return nil
	}
	cookies := cookiesOf(r)
	if len(cookies) == 0 {
		cookies = []string{""} // core says whether that will do
	}
	for _, cookie := range cookies {
		ticket, err := g.ticket(r.Context(), v, t.Domain, cookie)
		if err != nil {
			if skipped, ok := g.flood.Now(); ok {
				g.cfg.Log.Warn("http gate cannot ask core about a login", "event", "failed", "err", err, "skipped", skipped, "trace", v.trace)
			}
			return nil // core checks anyway, if it is there
		}
		if !ticket.Needed {
			return nil
		}
		if ticket.User != "" {
			v.user = ticket.User
			return nil
		}
	}
	return &refusal{http.StatusUnauthorized, "Sign in first", "login: no live session", 0}
}

func (g *Gate) ticket(ctx context.Context, v *visit, domain, cookie string) (Ticket, error) {
	all, k := keyOfTicket(domain, ""), keyOfTicket(domain, cookie)
	if t, ok := g.tickets.get(all); ok {
		return t, nil // the domain needs none
	}
	if t, ok := g.tickets.get(k); ok {
		return t, nil
	}
	ctx, cancel := context.WithTimeout(ctx, ticketWait)
	defer cancel()
	t, err := g.cfg.Ticket(ctx, v.zone, v.core, domain, cookie)
	switch {
	case err != nil:
	case !t.Needed:
		g.tickets.put(all, t) // whatever cookie a stranger invents
	case t.User != "":
		g.tickets.put(k, t)
	}
	return t, err
}

// place finds the core for a request: the one that knows its login, else any.
func (g *Gate) place(r *http.Request, v *visit) {
	v.zone = g.zone(v.target)
	var want uint64
	for _, cookie := range cookiesOf(r) {
		want, _ = parseCookie(cookie)
		break
	}
	if g.cfg.Core != nil {
		v.core = g.cfg.Core(v.zone, want, v.source)
		if status, _ := g.closed(v); status != 0 && want != 0 { // a login may begin anew elsewhere
			v.core = g.cfg.Core(v.zone, 0, v.source)
		}
	}
}

// face is what edge tells core of itself with requests below a domain. ok is
// false for those that name another host than edge: what core would answer them
// in that name could be read by whoever owns it.
func (g *Gate) face(r *http.Request, v *visit) (text string, ok bool) {
	if g.cfg.Face == nil || v.bad != nil || v.target.Scheme != "" {
		return "", true // nobody asks
	}
	host := HostName(r.Host)
	f, ok := g.cfg.Face(v.zone, v.target.Domain, host)
	if !ok {
		return "", false
	}
	f.Host, f.Cookie, f.Core = host, CookieDomain(host), v.core
	return f.String(), true
}
