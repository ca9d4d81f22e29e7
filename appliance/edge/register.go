package edge

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// register lets a client's REGISTER through to the registrar inside, whose
// challenge passes back. What the client may do afterwards hangs on the
// binding that a 2xx to its credentials confirms.
func (e *Edge) register(r *signaling.Request, c *flow.Conn) {
	if !c.Authenticated() && e.turnedAway(r, overload.Strangers) {
		return
	}
	owner, err := aor(r.Msg.Get("To"))
	if err != nil {
		e.refuse(r, 400, "To cannot be read", "syntax")
		return
	}
	domain, ok := e.domainOf(host(owner))
	if !ok && e.unsettled() {
		e.refuse(r, 503, "No core has told of its nodes yet", "traversal link", sip.RetryAfter(5))
		return
	}
	if !ok {
		e.refuse(r, 403, "Domain "+host(owner)+" is not served here", "SIP Domain")
		return
	}
	if claimed, ok := speaksFor(r.Msg, owner); !ok {
		e.refuse(r, 403, "Only "+owner+" itself may register, not "+claimed, "identity")
		return
	}
	if _, ok := e.ownRoutes(r.Msg, c); !ok {
		e.refuse(r, 403, "Route is not of this edge", "route token")
		return
	}
	contacts := r.Msg.Values("Contact")
	if len(contacts) > maxContacts {
		e.refuse(r, 403, "Too many contacts in one registration", "limits")
		return
	}
	if !oneDevice(contacts) {
		e.refuse(r, 403, "One registration is of one device", "identity")
		return
	}
	a := attempt{auth: domain.Auth, domain: domain.Name, owner: owner, zone: e.plan.Load().Zone(domain), contact: first(contacts)}
	if b, refresh := e.bindings.Again(c, owner, a.contact); refresh {
		a.id, a.key, a.contact, a.before = b.ID, b.Key, b.Contact, homeOf(b)
	} else {
		a.key = bindingKey(owner, contacts)
		a.id = e.bindings.Name(a.key)
		if b, ok := e.bindings.Get(a.id); ok {
			a.before = homeOf(b)
		}
	}
	if e.movedOn(r, a) {
		return
	}
	link, err := e.coreFor(a)
	if err != nil {
		e.refuse(r, 503, "No core is connected", "traversal link", sip.RetryAfter(5))
		return
	}
	a.route = e.shortcut(a, link)
	if a.auth != auth.Passthrough {
		e.identify(r, c, link, a)
		return
	}
	if wait := e.guessed(r.Msg, c, a); wait > 0 {
		e.refuse(r, 403, "Too many wrong passwords", "credentials", sip.RetryAfter(wait))
		return
	}
	e.sendRegister(r, c, link, a)
}

// maxContacts bounds one REGISTER; phones with many lines send one each.
const maxContacts = 16

// An attempt is one REGISTER on its way.
type attempt struct {
	auth    auth.Mode
	user    string // who edge and core found it to be, where call control does not ask
	own     string // credentials for edge, which go no further
	owner   string
	domain  string // of the owner: its host, or the domain of the node that this is
	zone    string
	key     flow.Key
	id      flow.BindingID
	contact string
	before  home   // where the binding registered last, if it is there already
	route   string // the pre-routed route that it takes, "" if none
	path    pathToken
}

// A home is where a binding registered: what its calls go through.
type home struct {
	zone  string
	user  string // whom core vouched for, "" where call control asked itself
	peer  traversal.PeerID
	agent string
	route string // core's token of the hop inside, for the next REGISTER
	path  pathToken

	persists bool // agreed on session persistency
	wakes    bool // is woken by push when it does not answer
	partner  bool // nobody registered: the connection of a partner
}

// same tells whether a binding is where it was, by whichever route.
func (h home) same(o home) bool {
	o.route, o.path = h.route, h.path
	return h == o
}

func homeOf(b flow.Binding) home {
	h, _ := b.Info.(home)
	return h
}

// coreFor is the core that a registration goes through: the one it went
// through before, while that is up and takes it, since it remembers the phone.
func (e *Edge) coreFor(a attempt) (*traversal.Conn, error) {
	if link, err := e.links.Conn(a.zone, e.stays(a.zone, a.before.peer), a.owner); err == nil {
		return link, nil
	}
	return e.links.Conn(a.zone, 0, a.owner)
}

func (e *Edge) sendRegister(r *signaling.Request, c *flow.Conn, link *traversal.Conn, a attempt) {
	r.Forward(e.registerBranch(r, c, link, a))
}

// onward is a REGISTER on its way to core: all that its answer needs, in one
// piece.
type onward struct {
	attempt
	edge        *Edge
	request     *signaling.Request
	client      *flow.Conn
	link        *traversal.Conn
	face        face
	credentials bool // it showed some
	dropped     bool // and others, which went no further
}

func (e *Edge) registerBranch(r *signaling.Request, c *flow.Conn, link *traversal.Conn, a attempt) signaling.Branch {
	out := r.Msg.Clone()
	call.Strip(out, a.owner, "")
	for _, name := range [...]string{"Route", "Path", "Record-Route"} {
		out.Remove(name)
	}
	o := &onward{attempt: a, edge: e, request: r, client: c, link: link, face: e.face(c)}
	o.path = e.tokens.path(a.zone, a.id, a.before.path)
	path := o.face.parts(o.path.user, ";lr;ob")
	out.Prepend("Path", path[:]...)
	out.Set(headerTrace, r.Trace)
	setBinding(out, a.id)
	if e.talking(a.id) {
		out.Set(headerTalking, "1")
	}
	if a.user != "" {
		identified(out, a)
	}
	o.credentials, o.dropped = e.challenges.answered(a.owner, out)
	preRoute(out, a.route)
	b := signaling.Branch{Msg: out, Conn: link, Via: o.face.hostport(), OnResponse: o.answered}
	if a.route != "" {
		b.Next = o.unrouted
	}
	return b
}

// answered makes an answer of core's fit for the client and takes note of it.
func (o *onward) answered(resp *sip.Message) {
	e := o.edge
	o.route = cmp.Or(e.routeIn(resp), o.route)
	if outlived(resp.Status()) {
		e.loseShortcut(o.attempt)
	}
	e.provesAgain(resp, o.attempt)
	credentials := o.credentials
	if o.auth != auth.Passthrough {
		o.user, credentials = e.vouched(resp, o.attempt)
	}
	o.face.outward(resp)
	withoutAuthInt(resp)
	e.challenges.learn(o.owner, resp)
	if o.dropped {
		stale(resp)
	}
	if credentials && o.auth == auth.Passthrough {
		e.judged(resp, o.client, o.attempt)
	}
	if !credentials {
		e.open.answered(e.alarms, o.domain, o.owner, resp.Status())
	}
	if resp.Status() >= 200 && resp.Status() < 300 {
		e.registered(o.request, o.client, o.link, resp, o.attempt, credentials)
	}
}

// setBinding tells core which binding a request is of.
func setBinding(m *sip.Message, id flow.BindingID) {
	var hex [16]byte
	m.Set(headerBinding, string(strconv.AppendUint(hex[:0], uint64(id), 16)))
}

// registered confirms the binding, unless the registrar accepted a stranger:
// a client that showed no credentials may be anybody, and from a binding calls
// are let in.
func (e *Edge) registered(r *signaling.Request, c *flow.Conn, link *traversal.Conn, resp *sip.Message, a attempt, credentials bool) {
	if !credentials && a.auth != auth.Passthrough {
		e.unvouched(r, resp, a)
		return
	}
	if !credentials {
		e.open.accepted(e.alarms, a.domain, a.owner)
		e.log.Warn("sip denied", "event", "denied", "method", "REGISTER", "status", 403, "rule", "credentials",
			"why", "registrar accepted a registration without credentials", "from", a.owner, "trace", r.Trace)
		resp.SetStatus(403, "Registrar asked for no credentials")
		resp.Remove("Contact")
		return
	}
	if a.contact == "" {
		return // a query changes nothing
	}
	if a.contact == "*" {
		e.forget(a, r.Trace)
		return
	}
	before, _ := e.bindings.Get(a.id)
	if other := homeOf(before).user; before.Confirmed && other != "" && a.auth == auth.Token && other != a.user {
		e.log.Info("sip registration not taken over", "event", "denied", "rule", "token", "why", "the device is registered by "+other,
			"from", a.owner, "user", a.user, "trace", r.Trace)
		resp.SetStatus(403, "Device is registered by another user")
		resp.Remove("Contact")
		return
	}
	granted := expiry(r.Msg, resp)
	if granted == 0 {
		e.bindings.Remove(a.id)
		e.log.Info("sip unregistered", "event", "unregistered", "user", a.owner, "trace", r.Trace)
		return
	}
	h := home{zone: a.zone, user: a.user, peer: link.Peer(), agent: r.Msg.Get("User-Agent"), route: a.route, path: a.path,
		persists: persists(r.Msg, resp, homeOf(before).persists), wakes: wakes(resp)}
	info := before.Info
	if homeOf(before) != h {
		h.user, h.agent, h.route = strings.Clone(h.user), strings.Clone(h.agent), strings.Clone(h.route) // or they would hold whole messages
		info = h
	}
	if _, err := e.bindings.Admit(a.id, a.key, c, a.contact, granted, info); err != nil {
		e.log.Warn("sip denied", "event", "denied", "method", "REGISTER", "status", 503, "rule", "limits",
			"why", err, "from", a.owner, "trace", r.Trace)
		resp.SetStatus(503, "Too many registrations")
		resp.Remove("Contact")
		return
	}
	c.SetAuthenticated(true)
	level := slog.LevelInfo
	if before.Confirmed && before.Conn == c && homeOf(before).same(h) {
		level = slog.LevelDebug // a refresh is no news
	}
	if ctx := context.Background(); e.log.Enabled(ctx, level) {
		e.log.Log(ctx, level, "sip registered", "event", "registered", "user", a.owner, "peer", c.Remote().String(),
			"expires", granted.Seconds(), "core", peerName(link), "trace", r.Trace)
	}
}

// forget ends every binding of a user who took all registrations back
// (RFC 3261 10.2.2).
func (e *Edge) forget(a attempt, trace string) {
	for _, b := range e.bindings.ByUser(a.owner) {
		if homeOf(b).zone == a.zone {
			e.bindings.Remove(b.ID)
		}
	}
	e.log.Info("sip unregistered", "event", "unregistered", "user", a.owner, "why", "all taken back", "trace", trace)
}

func peerName(link *traversal.Conn) string { return strconv.FormatUint(uint64(link.Peer()), 16) }

// bindingKey tells the devices and lines of one user apart.
func bindingKey(owner string, contacts []string) flow.Key {
	na, err := sip.ParseNameAddr(first(contacts))
	if err != nil {
		return flow.Key{AOR: owner}
	}
	return flow.KeyOf(owner, na)
}

// expiry is how long the registrar granted the phone's own contact; 0 says
// that it is gone (RFC 3261 10.2.4).
func expiry(req, resp *sip.Message) time.Duration {
	for v := range resp.Each("Contact") {
		if na, err := sip.ParseNameAddr(v); err == nil {
			if s, ok := na.Param("expires"); ok {
				return seconds(s)
			}
		}
	}
	if !resp.Has("Contact") {
		return 0
	}
	if resp.Has("Expires") {
		return seconds(resp.Get("Expires"))
	}
	return seconds(req.Get("Expires"))
}

// maxExpiry bounds what a registrar may grant: a binding costs memory here.
const maxExpiry = 24 * time.Hour

func seconds(s string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 32)
	if err != nil {
		return time.Hour // RFC 3261 10.3: what cannot be read counts as 3600
	}
	return min(time.Duration(n)*time.Second, maxExpiry)
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
