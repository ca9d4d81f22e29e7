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
	var one [1]string
	contacts := r.Msg.AppendValues(one[:0], "Contact")
	if len(contacts) > maxContacts {
		e.refuse(r, 403, "Too many contacts in one registration", "limits")
		return
	}
	if !oneDevice(contacts) {
		e.refuse(r, 403, "One registration is of one device", "identity")
		return
	}
	o := &onward{edge: e, request: r, client: c, attempt: attempt{
		auth: domain.Auth, domain: domain.Name, owner: owner, zone: e.plan.Load().Zone(domain), contact: first(contacts),
	}}
	if b := e.bindings.Again(c, owner, o.contact); b != nil {
		o.id, o.key, o.contact, o.before = b.ID, b.Key, b.Contact, homeOf(b)
	} else {
		o.key = bindingKey(owner, contacts)
		o.id = e.bindings.Name(o.key)
		o.before = homeOf(e.bindings.Look(o.id))
	}
	if e.movedOn(r, o.id) {
		return
	}
	if o.link, err = e.coreFor(&o.attempt); err != nil {
		e.refuse(r, 503, "No core is connected", "traversal link", sip.RetryAfter(5))
		return
	}
	o.route = e.shortcut(&o.attempt, o.link)
	if o.auth != auth.Passthrough {
		o.identify()
		return
	}
	if wait := e.guessed(r.Msg, c, owner); wait > 0 {
		e.refuse(r, 403, "Too many wrong passwords", "credentials", sip.RetryAfter(wait))
		return
	}
	o.send()
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
	before  *home  // where the binding registered last, if it is there already
	route   string // the pre-routed route that it takes, "" if none
	path    pathToken
}

// A home is where a binding registered: what its calls go through. One that is
// kept with a binding is not written to any more.
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
func (h *home) same(o home) bool {
	o.route, o.path = h.route, h.path
	return *h == o
}

// homeOf is where a binding registered, not to be written to; an empty one for
// none.
func homeOf(b *flow.Binding) *home {
	if b != nil {
		if h, ok := b.Info.(*home); ok {
			return h
		}
	}
	return &home{}
}

// coreFor is the core that a registration goes through: the one it went
// through before, while that is up and takes it, since it remembers the phone.
func (e *Edge) coreFor(a *attempt) (*traversal.Conn, error) {
	if link, err := e.links.Conn(a.zone, e.stays(a.zone, a.before.peer), a.owner); err == nil {
		return link, nil
	}
	return e.links.Conn(a.zone, 0, a.owner)
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

func (o *onward) send() { o.request.Forward(o.branch()) }

func (o *onward) branch() signaling.Branch {
	e, out := o.edge, o.request.Msg.Clone()
	call.Strip(out, o.owner, "")
	for _, name := range [...]string{"Route", "Path", "Record-Route"} {
		out.Remove(name)
	}
	o.face = e.face(o.client)
	o.path = e.tokens.path(o.zone, o.id, o.before.path)
	path := o.face.parts(o.path.user, ";lr;ob")
	out.Prepend("Path", path[:]...)
	out.Set(headerTrace, o.request.Trace)
	setBinding(out, o.id)
	if e.talking(o.id) {
		out.Set(headerTalking, "1")
	}
	if o.user != "" {
		identified(out, &o.attempt)
	}
	o.credentials, o.dropped = e.challenges.answered(o.owner, out)
	preRoute(out, o.route)
	b := signaling.Branch{Msg: out, Conn: o.link, Via: o.face.hostport(), OnResponse: o.answered}
	if o.route != "" {
		b.Next = o.unrouted
	}
	return b
}

// answered makes an answer of core's fit for the client and takes note of it.
func (o *onward) answered(resp *sip.Message) {
	e := o.edge
	o.route = cmp.Or(e.routeIn(resp), o.route)
	if outlived(resp.Status()) {
		e.loseShortcut(o.id)
	}
	e.provesAgain(resp, &o.attempt)
	credentials := o.credentials
	if o.auth != auth.Passthrough {
		o.user, credentials = e.vouched(resp, o.user)
	}
	o.face.outward(resp)
	withoutAuthInt(resp)
	e.challenges.learn(o.owner, resp)
	if o.dropped {
		stale(resp)
	}
	if credentials && o.auth == auth.Passthrough {
		e.judged(resp, o.client, o.owner)
	}
	if !credentials {
		e.open.answered(e.alarms, o.domain, o.owner, resp.Status())
	}
	if resp.Status() >= 200 && resp.Status() < 300 {
		o.registered(resp, credentials)
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
func (o *onward) registered(resp *sip.Message, credentials bool) {
	e, r := o.edge, o.request
	if !credentials && o.auth != auth.Passthrough {
		e.unvouched(r, resp, &o.attempt)
		return
	}
	if !credentials {
		e.open.accepted(e.alarms, o.domain, o.owner)
		e.log.Warn("sip denied", "event", "denied", "method", "REGISTER", "status", 403, "rule", "credentials",
			"why", "registrar accepted a registration without credentials", "from", o.owner, "trace", r.Trace)
		resp.SetStatus(403, "Registrar asked for no credentials")
		resp.Remove("Contact")
		return
	}
	if o.contact == "" {
		return // a query changes nothing
	}
	if o.contact == "*" {
		e.forget(&o.attempt, r.Trace)
		return
	}
	before := e.bindings.Look(o.id)
	was := homeOf(before)
	if before != nil && before.Confirmed && was.user != "" && o.auth == auth.Token && was.user != o.user {
		e.log.Info("sip registration not taken over", "event", "denied", "rule", "token", "why", "the device is registered by "+was.user,
			"from", o.owner, "user", o.user, "trace", r.Trace)
		resp.SetStatus(403, "Device is registered by another user")
		resp.Remove("Contact")
		return
	}
	granted := expiry(r.Msg, resp)
	if granted == 0 {
		e.bindings.Remove(o.id)
		e.log.Info("sip unregistered", "event", "unregistered", "user", o.owner, "trace", r.Trace)
		return
	}
	h := o.home(resp, was)
	if _, err := e.bindings.Admit(o.id, o.key, o.client, o.contact, granted, h); err != nil {
		e.log.Warn("sip denied", "event", "denied", "method", "REGISTER", "status", 503, "rule", "limits",
			"why", err, "from", o.owner, "trace", r.Trace)
		resp.SetStatus(503, "Too many registrations")
		resp.Remove("Contact")
		return
	}
	o.client.SetAuthenticated(true)
	level := slog.LevelInfo
	if before != nil && before.Confirmed && before.Conn == o.client && was.same(*h) {
		level = slog.LevelDebug // a refresh is no news
	}
	if ctx := context.Background(); e.log.Enabled(ctx, level) {
		e.log.Log(ctx, level, "sip registered", "event", "registered", "user", o.owner, "peer", o.client.Remote().String(),
			"expires", granted.Seconds(), "core", peerName(o.link), "trace", r.Trace)
	}
}

// home is where the binding is registered by an answer: as it was, if nothing
// is new.
func (o *onward) home(resp *sip.Message, was *home) *home {
	req := o.request.Msg
	h := home{zone: o.zone, user: o.user, peer: o.link.Peer(), agent: req.Get("User-Agent"), route: o.route, path: o.path,
		persists: persists(req, resp, was.persists), wakes: wakes(resp)}
	if *was == h {
		return was
	}
	kept := h                                                                                                 // not h itself, or each refresh would make one
	kept.user, kept.agent, kept.route = strings.Clone(h.user), strings.Clone(h.agent), strings.Clone(h.route) // or they would hold whole messages
	return &kept
}

// forget ends every binding of a user who took all registrations back
// (RFC 3261 10.2.2).
func (e *Edge) forget(a *attempt, trace string) {
	for _, b := range e.bindings.ByUser(a.owner) {
		if homeOf(&b).zone == a.zone {
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
		if s, own, ok := sip.AddrParam(v, "expires"); ok && own {
			return seconds(s)
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
