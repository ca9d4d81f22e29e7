package core

import (
	"crypto/sha256"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// register takes a REGISTER that edge let in to the registrar that the search
// rules name. With Path, core adds itself to the Path and leaves Contact
// alone; without, a token of core's stands in Contact and core remembers what
// it is for (guide: SIP Path headers).
func (c *Core) register(r *signaling.Request, from *traversal.Conn) {
	if c.closedForRegistration(r) {
		return
	}
	if !c.registersItself(r, from) {
		return
	}
	if token := ownRoute(r.Msg); token != "" && c.preRouted(r, from, token) {
		return
	}
	domain, ts, status, reason, rule := c.registrarsOf(r.Msg, from)
	if status != 0 {
		c.refuse(r, status, reason, rule)
		return
	}
	c.sendRegister(r, from, domain, ts, nil)
}

// registrarsOf finds where a REGISTER may go: by the domain of its user, its
// deployment, and the search rules. A status says why nowhere.
func (c *Core) registrarsOf(m *sip.Message, from *traversal.Conn) (domain Domain, ts []target, status int, reason, rule string) {
	plan := c.plan.Load()
	aor, err := sip.ParseNameAddr(m.Get("To"))
	if err != nil {
		return domain, nil, 400, "To cannot be read", "syntax"
	}
	domain, ok := plan.Domain(aor.URI.Host)
	if !ok {
		return domain, nil, 403, "Domain " + aor.URI.Host + " is not served here", "SIP Domain"
	}
	uri, err := sip.ParseURI(m.URI())
	if err != nil {
		return domain, nil, 416, "Request-URI cannot be read", "syntax"
	}
	ts, rule = plan.confine(domain.Deployment, plan.registrars(domain, from.Zone(), aor.URI, uri, wayOf(m, uri)))
	switch {
	case rule != "":
		return domain, nil, 403, notYours, rule
	case len(ts) == 0:
		return domain, nil, 404, "No search rule leads to a registrar for " + aor.URI.Host, "Zones Policy SearchRules"
	}
	return domain, ts, 0, "", ""
}

// sendRegister sends a REGISTER to the first of ts that takes it; more gives
// further ones once those have failed.
func (c *Core) sendRegister(r *signaling.Request, from *traversal.Conn, domain Domain, ts []target, more func(status int) []target) {
	plan := c.plan.Load()
	who, ok := c.identify(r, from, domain)
	if !ok {
		return
	}
	if ts = who.targets(ts); len(ts) == 0 {
		c.refuse(r, 403, notOf(who), "token")
		return
	}
	ask, ok := c.pushAsked(r)
	if !ok {
		return
	}
	c.forwardMore(r, 0, ts, func(t target) (signaling.Branch, error) {
		if t.path && (plan.Path || c.agrees(r.Msg, t)) {
			return c.noting(who.through(t, c.withPush(c.registerByPath(r.Msg, from, t, domain.Name), r.Msg, from, ask, r.Trace)), r.Msg, from), nil
		}
		b, err := c.registerByContact(r.Msg, from, t, domain.Name, r.Trace)
		if err != nil {
			return b, err
		}
		return c.noting(who.through(t, c.withPush(b, r.Msg, from, ask, r.Trace)), r.Msg, from), nil
	}, who.others(more))
}

// registerByPath lets requests for the phone find their way back by Path
// (RFC 3327).
func (c *Core) registerByPath(m *sip.Message, from *traversal.Conn, t target, domain string) signaling.Branch {
	out := c.inward(m)
	out.Remove("Route")
	token := c.tokens.sealAnchor(purposePath, anchor{peer: peerOf(from), domain: domain})
	params := ";lr"
	if strings.Contains(first(m.Values("Path")), ";ob") {
		params = ";lr;ob" // the registrar looks at the topmost Path (RFC 5626 5.3)
	}
	out.Prepend("Path", c.uri(token, c.toward(t), params))
	if !lists(out, "Supported", "path") {
		out.Add("Supported", "path")
	}
	contacts := m.Values("Contact")
	credentials := credited(m)
	return signaling.Branch{Msg: out, OnResponse: func(resp *sip.Message) {
		if credentials {
			c.movedToPath(m, resp)
		}
		c.agreed(m, resp, t, m.Get("Expires"))
		keepOwn(resp, contacts)
		c.handOut(resp, m, from, t)
	}}
}

// registerByContact puts a token of core's for each Contact and restores the
// phone's own in the answer. The registrar sees no flow of the phone, so
// reg-id and outbound would mislead it (RFC 5626 5.1).
func (c *Core) registerByContact(m *sip.Message, from *traversal.Conn, t target, domain, trace string) (signaling.Branch, error) {
	out := c.inward(m)
	out.Remove("Path")
	out.Remove("Route")
	dropOption(out, "outbound")
	dropOption(out, "path")
	stand := map[string]standIn{} // by the user part that the registrar gets
	values := out.Values("Contact")
	for i, v := range values {
		if v == "*" {
			continue
		}
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			return signaling.Branch{}, &signaling.StatusError{Status: 400, Reason: "Contact cannot be read"}
		}
		in := c.standInFor(m, i, na.URI.String(), from, domain)
		stand[in.user] = in
		values[i] = "<sip:" + in.user + "@" + c.sentBy(c.toward(t)) + ";transport=" + lower(t.network) + ">" + na.WithoutParam("reg-id").Params
	}
	if len(values) > 0 {
		out.SetAll("Contact", values)
	}
	credentials := credited(m)
	asked := m.Get("Expires")
	return signaling.Branch{Msg: out, OnResponse: func(resp *sip.Message) {
		if credentials && resp.Status() >= 200 && resp.Status() < 300 {
			c.movedToContact(m, resp, asked)
			c.remember(resp, stand, asked, trace)
		}
		c.agreed(m, resp, t, asked)
		c.handOut(resp, m, from, t)
		restoreOwn(resp, stand)
	}}, nil
}

// credited tells whether a REGISTER shows credentials: edge takes a stranger's
// word no more.
func credited(m *sip.Message) bool {
	return m.Has("Authorization") || m.Has("Proxy-Authorization") || m.Has(headerUser)
}

// contactTTL is the longest that core remembers what a Contact token is for;
// every refresh renews it. What a registrar granted is kept a little longer.
const (
	contactTTL   = 25 * time.Hour
	contactSlack = 5 * time.Minute
)

// A contact is what a Contact token of ours stands for: the phone's own URI,
// the Path of its edge, and that edge.
type contact struct {
	uri  string
	path []string
	peer uint64

	domain string // the phone's
}

// A standIn is what the registrar gets in place of a phone's Contact.
type standIn struct {
	user   string // our token
	handle handle
	uri    string // the phone's own
	value  string // what is kept for the handle
}

// standInFor makes a token that is the same at each refresh, since a Contact
// that changed would be a new binding to the registrar. It names edge's binding
// and so the device: one that comes back with another address takes the place
// of what it was before. Only further contacts are told apart by what they say.
func (c *Core) standInFor(m *sip.Message, place int, uri string, from *traversal.Conn, domain string) standIn {
	id := m.Get(headerBinding)
	if place > 0 {
		id += "\x00" + uri
	}
	sum := sha256.Sum256([]byte(id))
	h := handle(sum[:])
	return standIn{
		user: c.tokens.sealHandle(purposeBinding, within(inside, domain), h), handle: h, uri: uri,
		value: uri + "\n" + strings.Join(m.Values("Path"), ",") + "\n" + peerKey(peerOf(from)),
	}
}

// remember keeps what the tokens of an accepted registration stand for. It is
// done no sooner, and for no longer than granted, so that neither strangers who
// merely try nor a user who registers and leaves all day can fill the table.
func (c *Core) remember(resp *sip.Message, stand map[string]standIn, asked, trace string) {
	granted := grants(resp, asked)
	for _, in := range stand {
		ttl := granted[in.user]
		if ttl == 0 {
			c.contacts.Delete(string(in.handle[:]))
			continue
		}
		had, _ := c.contacts.Get(string(in.handle[:]))
		if err := c.contacts.Put(string(in.handle[:]), []byte(in.value), min(ttl+contactSlack, contactTTL)); err != nil {
			c.log.Error("registration not kept", "err", err, "trace", trace)
			resp.SetStatus(503, "Too many registrations")
			return
		}
		if string(had) != in.value { // the registrar calls by it from now on; a refresh can wait
			c.contacts.Hurry()
		}
	}
}

// grants is how long each Contact of an answer is registered, by its user part
// (RFC 3261 10.2.4).
func grants(resp *sip.Message, asked string) map[string]time.Duration {
	usual := resp.Get("Expires")
	if usual == "" {
		usual = asked
	}
	all := map[string]time.Duration{}
	for _, v := range resp.Values("Contact") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			continue
		}
		text, ok := na.Param("expires")
		if !ok {
			text = usual
		}
		n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
		if err != nil {
			n = 3600 // RFC 3261 10.3: what cannot be read counts so
		}
		all[na.URI.User] = time.Duration(n) * time.Second
	}
	return all
}

// recall is what a Contact token of ours stands for.
func (c *Core) recall(user string) (contact, bool) {
	for _, d := range c.plan.Load().domains {
		if h, err := c.tokens.openHandle(purposeBinding, within(inside, d), user); err == nil {
			return c.remembered(h, d)
		}
	}
	return contact{}, false
}

func (c *Core) remembered(h handle, domain string) (contact, bool) {
	value, _ := c.contacts.Get(string(h[:]))
	parts := strings.Split(string(value), "\n")
	if len(parts) != 3 {
		return contact{}, false
	}
	peer, err := strconv.ParseUint(parts[2], 16, 64)
	return contact{parts[0], sip.Split(parts[1]), peer, domain}, err == nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}

// keepOwn leaves only the phone's own Contacts in a 200 to REGISTER: the
// others are of other devices and may name inside addresses.
func keepOwn(resp *sip.Message, own []string) {
	if !resp.Has("Contact") {
		return
	}
	var uris []sip.URI
	for _, v := range own {
		if na, err := sip.ParseNameAddr(v); err == nil {
			uris = append(uris, na.URI)
		}
	}
	filterContacts(resp, func(na sip.NameAddr, value string) (string, bool) {
		return value, slices.ContainsFunc(uris, na.URI.Equal)
	})
}

// restoreOwn puts the phone's own URI back where our token stands; what the
// registrar says about it (expires, its own parameters) stays.
func restoreOwn(resp *sip.Message, stand map[string]standIn) {
	if !resp.Has("Contact") {
		return
	}
	filterContacts(resp, func(na sip.NameAddr, value string) (string, bool) {
		in, ok := stand[na.URI.User]
		return "<" + in.uri + ">" + na.Params, ok
	})
}

func filterContacts(m *sip.Message, keep func(sip.NameAddr, string) (string, bool)) {
	var out []string
	for _, v := range m.Values("Contact") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			continue
		}
		if v, ok := keep(na, v); ok {
			out = append(out, v)
		}
	}
	if len(out) == 0 {
		m.Remove("Contact")
		return
	}
	m.SetAll("Contact", out)
}

// dropOption takes one option tag out of Supported.
func dropOption(m *sip.Message, tag string) {
	values := m.Values("Supported")
	kept := values[:0]
	for _, v := range values {
		if !strings.EqualFold(v, tag) {
			kept = append(kept, v)
		}
	}
	if len(kept) == 0 {
		m.Remove("Supported")
		return
	}
	m.Set("Supported", strings.Join(kept, ", "))
}
