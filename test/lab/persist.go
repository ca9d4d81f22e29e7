package lab

import (
	"context"
	"net/netip"
	"slices"
	"time"
)

// Session persistency: call control that names this option in its 200 keeps a
// device's calls while the device comes back from elsewhere.
const optionPersist = "X-cisco-sessionpersist"

// callLeg is one end of a call that the registrar stays in: where the dialog
// there leads, and where its user was registered when it began.
type callLeg struct {
	contact string
	routes  []string
	bound   string
}

const maxCallLegs = 4096

func legKey(callID, user string) string { return callID + " " + user }

// newestLocked is where a user registered last.
func (r *Registrar) newestLocked(user string) *Binding {
	if live := r.liveLocked(user); len(live) > 0 {
		return live[len(live)-1]
	}
	return nil
}

// follow is where the called user of a request within a dialog is now: along
// the dialog while he is registered where he was, else as a new request to him
// would go. Such call control stays in every dialog by its own Contact, so the
// request names it.
func (r *Registrar) follow(m *Message) (hop, bool) {
	if !r.cfg.Persist || paramOf(m.Get("To"), "tag") == "" || r.isWatch(m) {
		return hop{}, false
	}
	user, _, _ := splitURI(uriOf(m.Get("To")))
	r.mu.Lock()
	defer r.mu.Unlock()
	b, leg := r.newestLocked(user), r.legs[legKey(m.Get("Call-ID"), user)]
	switch {
	case b == nil:
		return hop{}, false
	case leg != nil && leg.bound == b.Contact && len(leg.routes) > 0:
		return hop{uri: leg.contact, routes: leg.routes}, true
	}
	h := hop{uri: b.Contact, routes: b.Path}
	if b.Device != "" && len(b.Path) == 0 && b.link.reliable() {
		h.link = b.link
	}
	return h, true
}

// noteLeg keeps what a message says of its sender's end of a call.
func (r *Registrar) noteLeg(m *Message, sender string, routes []string) {
	user, _, _ := splitURI(uriOf(m.Get(sender)))
	r.mu.Lock()
	defer r.mu.Unlock()
	key := legKey(m.Get("Call-ID"), user)
	if b := r.newestLocked(user); b != nil && r.legs[key] == nil && len(r.legs) < maxCallLegs {
		r.legs[key] = &callLeg{contactURI(m), routes, b.Contact}
	}
}

// stay puts the registrar's own Contact into a request that it passes on, and
// keeps the routes of either end to itself.
func (r *Registrar) stay(m *Message, out *link) {
	if !r.cfg.Persist {
		return
	}
	if m.Method() == "INVITE" && paramOf(m.Get("To"), "tag") == "" {
		r.noteLeg(m, "From", m.All("Record-Route"))
	}
	if m.Get("Contact") != "" {
		m.SetAll("Contact", []string{r.contactFor(out)})
	}
	m.SetAll("Record-Route", nil)
}

// stayIn is stay for the answer to req.
func (r *Registrar) stayIn(resp, req *Message, in *link) {
	if !r.cfg.Persist {
		return
	}
	if req.Method() == "INVITE" && resp.Status() > 100 && resp.Status() < 300 && paramOf(req.Get("To"), "tag") == "" {
		routes := resp.All("Record-Route")
		slices.Reverse(routes)
		r.noteLeg(resp, "To", routes)
	}
	if resp.Get("Contact") != "" {
		resp.SetAll("Contact", []string{r.contactFor(in)})
	}
	resp.SetAll("Record-Route", req.All("Record-Route"))
}

// replaceLocked takes a device's other bindings off a user's list.
func (r *Registrar) replaceLocked(live []*Binding, b *Binding) []*Binding {
	if !r.cfg.Persist || b.Device == "" {
		return live
	}
	return slices.DeleteFunc(live, func(o *Binding) bool { return o.Device == b.Device })
}

// Place is a network that a phone is in.
type Place struct {
	Server     netip.AddrPort
	ServerName string
	Transport  string
	Local      netip.Addr
	Suites     []Suite
	Same       bool // behind the same edge as before: dialogs keep their route
	Silent     bool // the old connection is not ended, only dead: nobody hears of the move
}

// Roam takes the phone and the media of its calls to another network: a new
// connection from a new address, and a registration over it. What the calls'
// far ends are told is up to Renegotiate.
func (p *Phone) Roam(ctx context.Context, to Place) error {
	if err := p.Leave(ctx, to.Silent); err != nil {
		return err
	}
	return p.Arrive(ctx, to)
}

// Leave ends the phone's connection, or lets it die in silence.
func (p *Phone) Leave(ctx context.Context, silent bool) error {
	l := p.server()
	if l == nil {
		return nil
	}
	if silent {
		p.abandon(l)
		p.mu.Lock()
		p.link = nil
		p.mu.Unlock()
		return nil
	}
	l.close()
	for p.Connected() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// Arrive is Roam for a phone that has left.
func (p *Phone) Arrive(ctx context.Context, to Place) error {
	p.mu.Lock()
	p.cfg.Server, p.cfg.ServerName, p.cfg.Transport, p.cfg.Local, p.cfg.Suites = to.Server, to.ServerName, to.Transport, to.Local, to.Suites
	calls := make([]*Call, 0, len(p.calls))
	for _, c := range p.calls {
		calls = append(calls, c)
	}
	p.mu.Unlock()
	if err := p.Connect(ctx); err != nil {
		return err
	}
	for _, c := range calls {
		if c.State() == CallEnded {
			continue
		}
		if !to.Same {
			c.forgetRoute()
		}
		if err := c.Rebind(to.Local); err != nil {
			return err
		}
	}
	return p.Register(ctx)
}

// forgetRoute is what a client does whose route set leads through a network
// that it has left: its requests go where it is registered now.
func (d *dialog) forgetRoute() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.routes = nil
}

// abandon forgets a connection without ending it: its far end cannot know.
func (s *stack) abandon(l *link) {
	l.deaf.Store(true)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.links, linkKey(l.network, l.remote))
	s.deserted = append(s.deserted, l)
}
