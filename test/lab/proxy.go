package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// onRequest is the proxy's and registrar's way in.
func (r *Registrar) onRequest(t *serverTx) {
	if r.cfg.Hook != nil {
		if status, reason := r.cfg.Hook(t.req); status > 0 {
			t.reply(status, reason, randomHex(5))
			return
		}
	}
	if hops := t.req.Get("Max-Forwards"); hops == "0" {
		t.reply(483, "Too Many Hops", randomHex(5))
		return
	}
	if r.onOwn(t) || r.callsBack(t) {
		return
	}
	r.dropOwnRoutes(t.req)
	_, host, _ := splitURI(t.req.URI())
	now, follows := r.follow(t.req)
	trunk, partner := r.cfg.Trunks[strings.ToLower(host)]
	switch {
	case follows:
		r.relay(t, []hop{now}, false)
	case len(t.req.All("Route")) > 0:
		r.relay(t, []hop{{uri: t.req.URI(), routes: t.req.All("Route")}}, false)
	case r.isOurs(host, t.req.URI()):
		r.serve(t)
	case paramOf(t.req.Get("To"), "tag") != "":
		r.relay(t, []hop{{uri: t.req.URI()}}, false)
	case partner:
		r.overTrunk(t, trunk)
	default:
		t.reply(404, "Not Our Domain", randomHex(5))
	}
}

// Serve has the registrar answer for a further domain as for its own.
func (r *Registrar) Serve(domain string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.also = append(r.also, strings.ToLower(domain))
}

func (r *Registrar) serves(host string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.EqualFold(host, r.cfg.Domain) || slices.Contains(r.also, strings.ToLower(host))
}

func (r *Registrar) isOurs(host, uri string) bool {
	return r.serves(host) || r.isMine(targetOf(uri))
}

// dropOwnRoutes takes our own entries off the top of the route set.
func (r *Registrar) dropOwnRoutes(m *Message) {
	routes := m.All("Route")
	for len(routes) > 0 && r.isMine(targetOf(uriOf(routes[0]))) {
		routes = routes[1:]
	}
	m.SetAll("Route", routes)
}

// serve handles what is addressed to our domain.
func (r *Registrar) serve(t *serverTx) {
	user, _, _ := splitURI(t.req.URI())
	switch method := t.req.Method(); {
	case method == "REGISTER" && r.cfg.Trunk.IsValid() && t.link.local.Port() == r.cfg.Trunk.Port():
		t.reply(405, "Method Not Allowed", randomHex(5), func(m *Message) {
			m.Add("Warning", `399 ucm1 "SIP trunk disallows REGISTER"`)
		})
	case method == "REGISTER":
		r.register(t)
	case method == "OPTIONS" && user == "":
		t.reply(200, "OK", randomHex(5), func(m *Message) { m.Add("Accept", "application/sdp") })
	case r.isWatch(t.req):
		r.watch(t)
	case !r.callerAdmitted(t):
	case method == "SUBSCRIBE" && notified(t.req):
		r.subscribe(t, user)
	case method == "PUBLISH":
		r.publish(t, user)
	default:
		r.locate(t, user)
	}
}

// callerAdmitted challenges the sender of a new request if so configured.
func (r *Registrar) callerAdmitted(t *serverTx) bool {
	if r.cfg.CallToken != nil && t.link.network == "TLS" {
		token, _ := strings.CutPrefix(t.req.Get("Proxy-Authorization"), "Bearer ")
		if !r.cfg.CallToken(token) {
			t.reply(407, "Proxy Authentication Required", randomHex(5), func(m *Message) { m.Add("Proxy-Authenticate", `Bearer realm="trunk"`) })
			return false
		}
		t.req.Del("Proxy-Authorization")
	}
	from, host, _ := splitURI(uriOf(t.req.Get("From")))
	if !r.cfg.ChallengeCalls || !r.serves(host) {
		return true
	}
	return r.admit(t, from, "Proxy-Authorization", 407, "Proxy-Authenticate")
}

// locate forks a request to the user's contacts.
func (r *Registrar) locate(t *serverTx, user string) {
	if _, known := r.cfg.Accounts[user]; !known {
		t.reply(404, "Not Found", randomHex(5))
		return
	}
	r.mu.Lock()
	hops := hopsOf(r.liveLocked(user))
	r.mu.Unlock()
	if len(hops) == 0 {
		t.reply(480, "Temporarily Unavailable", randomHex(5))
		return
	}
	t.req.Del("Proxy-Authorization")
	if r.cfg.B2BUA && t.req.Method() == "INVITE" {
		r.between(t, hops[0])
		return
	}
	r.relay(t, hops, t.req.Method() == "INVITE" || t.req.Method() == "SUBSCRIBE")
}

// hop is one place to send a request to. Spare hops stand for the same device
// and are tried when it fails with 430 or 408 (RFC 5626 5.3).
type hop struct {
	uri    string
	routes []string
	link   *link
	spare  []hop
}

// hopsOf makes one branch per contact, and one per instance with outbound, the
// newest flow first.
func hopsOf(bindings []*Binding) []hop {
	var hops []hop
	byInstance := map[string]int{}
	for _, b := range slices.Backward(bindings) {
		h := hop{uri: b.Contact, routes: b.Path}
		if b.Instance != "" && len(b.Path) == 0 {
			h.link = b.link
		}
		if i, ok := byInstance[b.Instance]; ok && b.Instance != "" {
			hops[i].spare = append(hops[i].spare, h)
			continue
		}
		byInstance[b.Instance] = len(hops)
		hops = append(hops, h)
	}
	return hops
}

// next is the URI that decides where a request goes.
func (h hop) next() string {
	if len(h.routes) > 0 {
		return uriOf(h.routes[0])
	}
	return h.uri
}

// prepare makes the copy of a request for one hop.
func (r *Registrar) prepare(req *Message, h hop, recordRoute bool, in, out *link) *Message {
	m := req.Clone()
	m.SetURI(h.uri)
	m.SetAll("Route", h.routes)
	r.stay(m, out)
	hops, err := strconv.Atoi(m.Get("Max-Forwards"))
	if err != nil {
		hops = 71
	}
	m.Set("Max-Forwards", fmt.Sprint(hops-1))
	if recordRoute && !r.cfg.NoRecordRoute {
		r.recordRoute(m, in, out)
	}
	return m
}

// recordRoute puts one entry per side, the outgoing side's on top, so that each
// end sees a transport that it can speak.
func (r *Registrar) recordRoute(m *Message, in, out *link) {
	entry := func(l *link) string {
		return fmt.Sprintf("<sip:%s;transport=%s;lr>", r.sentBy(l), strings.ToLower(l.network))
	}
	routes := append([]string{entry(in)}, m.All("Record-Route")...)
	if in.network != out.network || r.sentBy(in) != r.sentBy(out) {
		routes = append([]string{entry(out)}, routes...)
	}
	m.SetAll("Record-Route", routes)
}

// linkNow is the way to a hop that is open already, else nil.
func (r *Registrar) linkNow(h hop) *link {
	if h.link != nil {
		return h.link
	}
	t := targetOf(h.next())
	to, err := t.addr(r.cfg.Hosts)
	if err != nil {
		return nil
	}
	return r.linkTo(t.network, to)
}

// linkFor finds or opens the way to a hop; it may block.
func (r *Registrar) linkFor(h hop) (*link, error) {
	if h.link != nil {
		return h.link, nil
	}
	t := targetOf(h.next())
	to, err := t.addr(r.cfg.Hosts)
	if err != nil {
		return nil, err
	}
	return r.connect(r.life, t.network, to, t.host, r.addrs["TCP"].Addr())
}

// onAck passes the ACK of a 2xx along its route.
func (r *Registrar) onAck(l *link, m *Message) {
	if d := r.own.find(m.Get("Call-ID")); d != nil {
		if d.onAck != nil {
			d.onAck(m)
		}
		return
	}
	r.dropOwnRoutes(m)
	h := hop{uri: m.URI(), routes: m.All("Route")}
	if now, follows := r.follow(m); follows {
		h = now
	}
	if r.linkNow(h) != nil {
		r.passAck(l, m, h)
		return
	}
	r.background(func() { r.passAck(l, m, h) })
}

func (r *Registrar) passAck(in *link, m *Message, h hop) {
	out, err := r.linkFor(h)
	if err != nil {
		return
	}
	a := r.prepare(m, h, false, in, out)
	a.Prepend("Via", fmt.Sprintf("SIP/2.0/%s %s;rport;branch=%s", out.network, r.sentBy(out), newBranch()))
	r.transmit(out, a.Bytes())
}
