package core

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/call"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/state"
	"sallyport/appliance/traversal"
	"sallyport/appliance/zone"
)

// Edge stands where strangers are, so core does not take its word for who
// calls. It has seen each registration itself: the REGISTER by which link and
// for which of edge's bindings it came, and the registrar's 200. What begins a
// dialog must come by the same link for the same binding, and speak for the
// same address of record and line. Within a dialog core's own route token says
// whose it is.
//
// An edge that somebody else has taken can speak for the users that are
// registered through it, as it could anyway, and for nobody else.
//
//	REGISTER, 200     (edge, binding) ─▶ address of record, Contact
//	INVITE …          held against it               rules "registered caller", "caller's contact"
//	within a dialog   held against the token        rule "route token"
//	any               domain of the edge's zone     rule "Zones Zone TraversalClient Domains"
//
// Zones Zone … TraversalClient Callers: Domain takes an edge's word, for call
// control whose registrations core cannot follow.

// Rules by which an edge is not believed.
const (
	ruleCaller  = "registered caller"
	ruleContact = "caller's contact"
	ruleDomains = "Zones Zone TraversalClient Domains"
)

// headerAgain tells edge what core does not know any more or not yet, as after
// a switch to this core: who asked shall register once more.
const headerAgain = privatePrefix + "Again"

// Bounds of what is kept of registrations, and how much of it one edge may fill.
const (
	maxCallers  = 100_000
	callerShare = 40_000
)

// callers are the registrations that core let through, by edge and its binding:
// an address of record, a line end, and the Contact.
type callers struct {
	table *state.Table
	clock func() time.Time
}

func newCallers(store *state.Store, clock func() time.Time) callers {
	t := store.Table("callers", maxCallers)
	t.Share(8, callerShare)
	return callers{t, clock}
}

// callerKey is the name of an edge's binding; not ok where edge named none.
func callerKey(peer uint64, binding string) (key [16]byte, ok bool) {
	id, err := strconv.ParseUint(binding, 16, 64)
	binary.BigEndian.PutUint64(key[:], peer)
	binary.BigEndian.PutUint64(key[8:], id)
	return key, err == nil
}

// note files a registration for as long as it was granted; 0 ends it. Each is
// kept up to twice as long, so that not every refresh has to be written.
func (cs callers) note(key [16]byte, value string, granted time.Duration) error {
	if granted <= 0 {
		cs.table.Delete(string(key[:]))
		return nil
	}
	granted = min(granted, contactTTL)
	enough := false
	cs.table.View(string(key[:]), func(v []byte, expires time.Time) {
		enough = string(v) == value && expires.Sub(cs.clock()) > granted
	})
	if enough {
		return nil
	}
	return cs.table.Put(string(key[:]), []byte(value), 2*granted+contactSlack)
}

// standing is how far what a request says of its sender fits a registration.
type standing uint8

const (
	unknown   standing = iota // there is no such registration
	another                   // it is of another user
	otherLine                 // his, but the Contact is of another line or device
	proven
)

// judge holds what a request says of its sender against a registration.
func (cs callers) judge(key [16]byte, owner string, m *sip.Message) (found standing) {
	contact := ""
	cs.table.View(string(key[:]), func(v []byte, _ time.Time) {
		found = another
		if rest, ok := strings.CutPrefix(string(v), owner+"\n"); ok {
			found, contact = proven, rest
		}
	})
	if found == proven && !ownLine(m, owner, contact) {
		found = otherLine
	}
	return found
}

// ownLine tells whether the Contacts of a request are of the registered line.
func ownLine(m *sip.Message, owner, contact string) bool {
	for v := range m.Each("Contact") {
		if na, err := sip.ParseNameAddr(v); err != nil || !call.SameLine(na, owner, contact) {
			return false
		}
	}
	return true
}

// noting has a REGISTER's branch file what came of it. One without credentials
// is nobody's.
func (c *Core) noting(b signaling.Branch, m *sip.Message, from *traversal.Conn) signaling.Branch {
	key, ok := callerKey(peerOf(from), m.Get(headerBinding))
	owner := bareOf(m, "To")
	contact := first(m.Values("Contact"))
	if !ok || !credited(m) || contact == "" {
		return b
	}
	then, asked := b.OnResponse, m.Get("Expires")
	b.OnResponse = func(resp *sip.Message) {
		then(resp)
		if resp.Status() < 200 || resp.Status() >= 300 {
			return
		}
		if err := c.callers.note(key, owner+"\n"+contact, longest(resp, asked)); err != nil {
			c.log.Error("registration not kept", "err", err)
			resp.SetStatus(503, "Too many registrations")
		}
	}
	return b
}

// registersItself tells whether a REGISTER is of a user himself, and of a domain
// that the edge may speak for. It refuses the request if not.
func (c *Core) registersItself(r *signaling.Request, from *traversal.Conn) bool {
	owner := bareOf(r.Msg, "To")
	if bareFrom(r.Msg) != owner {
		c.refuse(r, 403, "Only "+owner+" itself may register", "identity")
		return false
	}
	domain, ok := c.plan.Load().Domain(call.Host(owner))
	return !ok || c.speaksFor(r, c.edgeZoneOf(from), domain.Name)
}

// longest is how long the Contacts of an answer are registered at most.
func longest(resp *sip.Message, asked string) (d time.Duration) {
	for _, granted := range grants(resp, asked) {
		d = max(d, granted)
	}
	return d
}

// speaksFor tells whether the edges of a zone may speak for a domain. It
// refuses the request if not.
func (c *Core) speaksFor(r *signaling.Request, z *zone.Zone, domain string) bool {
	if z.Speaks(domain) {
		return true
	}
	c.refuse(r, 403, "This edge does not serve "+domain, ruleDomains)
	return false
}

// edgeSpeaks tells whether an edge may speak for a domain.
func (c *Core) edgeSpeaks(p traversal.Peer, domain string) bool {
	return c.plan.Load().Zones.Zone(p.Zone).Speaks(domain)
}

// believed tells whether whoever a request speaks for, and which begins
// something, registered by the link and for the binding that it came by. It
// refuses the request if not.
func (c *Core) believed(r *signaling.Request, from *traversal.Conn) bool {
	if z := c.edgeZoneOf(from); z != nil && z.AnyCaller {
		return true
	}
	found, owner := c.standingOf(r.Msg, from)
	switch found {
	case proven:
		return true
	case otherLine:
		c.refuse(r, 403, "Contact is not of the line that "+owner+" registered", ruleContact)
	case another:
		c.refuse(r, 403, owner+" is not registered there", ruleCaller)
	default:
		c.refuse(r, 403, owner+" is not registered through this edge", ruleCaller, sip.Field{Name: headerAgain, Value: "registration"})
	}
	return false
}

func (c *Core) standingOf(m *sip.Message, from *traversal.Conn) (standing, string) {
	owner := bareFrom(m)
	key, ok := callerKey(peerOf(from), m.Get(headerBinding))
	if !ok {
		return unknown, owner
	}
	return c.callers.judge(key, owner, m), owner
}

// partOf tells whether a request within a dialog is of the dialog that its
// route token was made for, and of whom the client is in it: as he was called,
// or as he registered. It refuses the request if not.
func (c *Core) partOf(r *signaling.Request, from *traversal.Conn, w wayBack) bool {
	m, owner := r.Msg, bareFrom(r.Msg)
	if m.ToTag() == "" {
		c.refuse(r, 403, "A new request comes without a route token", "route token")
		return false
	}
	marked := w.call != mark{}
	if marked && w.call != markOf(m.CallID()) {
		c.refuse(r, 403, "Route token is not of this dialog", "route token")
		return false
	}
	if marked && w.self == markOf(owner) {
		return true
	}
	z := c.edgeZoneOf(from)
	if found, _ := c.standingOf(m, from); found == proven || z != nil && z.AnyCaller {
		return true
	}
	if _, ours := c.ours(m); !marked && partner(m) && !ours {
		return true
	}
	c.refuse(r, 403, owner+" is not part of this dialog", "route token")
	return false
}

// edgeZoneOf is the traversal zone of a link connection.
func (c *Core) edgeZoneOf(from *traversal.Conn) *zone.Zone {
	return c.plan.Load().Zones.Zone(from.Zone())
}
