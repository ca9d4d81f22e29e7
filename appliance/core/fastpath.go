package core

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
	"time"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/zone"
)

// Fast path registration (guide): the first REGISTER of a binding is routed by
// domain, deployment, search rules and zones; what came of it goes to edge as a
// sealed token in the 200, and edge puts it into the next REGISTER's Route. Then
// none of that is done again. A token holds for one binding of one user on one
// edge, until its end, and while configuration and topology are as they were.
//
//	REGISTER            ──▶ search ──▶ registrar
//	200, headerRoute    ◀── token of the hop
//	REGISTER, Route     ──▶ the token's hop ──▶ registrar
const headerRoute = privatePrefix + "Route"

// A shortcut is what a pre-routed token stands for.
type shortcut struct {
	epoch uint64    // of the plan that it was found by
	who   uint64    // mark of binding, user and edge
	end   time.Time // to the second
	zone  uint16    // index of the neighbor zone
	peer  uint8     // of its peers

	domain Domain
	target target
}

const shortcutSize = 8 + 8 + 8 + 2 + 1

func (s shortcut) bytes() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, shortcutSize), s.epoch)
	b = binary.BigEndian.AppendUint64(b, s.who)
	b = binary.BigEndian.AppendUint64(b, uint64(s.end.Unix()))
	return append(binary.BigEndian.AppendUint16(b, s.zone), s.peer)
}

func shortcutOf(b []byte) shortcut {
	return shortcut{
		epoch: binary.BigEndian.Uint64(b), who: binary.BigEndian.Uint64(b[8:]),
		end: time.Unix(int64(binary.BigEndian.Uint64(b[16:])), 0), zone: binary.BigEndian.Uint16(b[24:]), peer: b[26],
	}
}

// whose marks the binding that a REGISTER is of.
func whose(m *sip.Message, aor sip.URI, peer uint64) uint64 {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%x", m.Get(headerBinding), aorOf(aor), peer))
	return binary.BigEndian.Uint64(sum[:])
}

// shortcuts remembers opened tokens by their text, so that each is opened and
// resolved once. What it has forgotten is read from the token again.
type shortcuts struct {
	mu       sync.Mutex
	now, old map[string]remembered // old goes when now is full
}

// A remembered token is one whose bearer has been held against it.
type remembered struct {
	shortcut
	to, uri, binding string // as the REGISTER wrote them; another spelling is looked at anew
	peer             uint64
	link             string // zone
}

// maxShortcuts bounds each of the two generations.
const maxShortcuts = 20_000

func (s *shortcuts) get(token string) (remembered, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.now[token]; ok {
		return r, true
	}
	r, ok := s.old[token]
	if ok {
		s.putLocked(token, r)
	}
	return r, ok
}

func (s *shortcuts) put(token string, r remembered) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putLocked(token, r)
}

func (s *shortcuts) putLocked(token string, r remembered) {
	if s.now == nil || len(s.now) >= maxShortcuts {
		s.now, s.old = map[string]remembered{}, s.now
	}
	s.now[token] = r
}

func (s *shortcuts) forget(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.now, token)
	delete(s.old, token)
}

// epochOf marks all that routing depends on: any change ends every token.
func epochOf(p *Plan) uint64 {
	h := sha256.New()
	fmt.Fprintf(h, "%v\n%v\n", p.Domains, p.listen)
	for _, z := range p.Zones.Zones {
		fmt.Fprintf(h, "%+v\n", *z)
	}
	for _, t := range p.Zones.Transforms {
		fmt.Fprintf(h, "%d %d %s\n", t.Index, t.Priority, t.Pattern)
	}
	for _, r := range p.Zones.Rules {
		plain := *r
		plain.Pattern = nil
		fmt.Fprintf(h, "%+v %s\n", plain, r.Pattern)
	}
	for _, n := range p.Topology.Nodes() {
		n.Down = false // one that comes and goes changes no way
		fmt.Fprintf(h, "%+v\n", n)
	}
	return binary.BigEndian.Uint64(h.Sum(nil))
}

// preRouted takes a REGISTER along its token. done is false where the token
// holds no more: then the way is searched anew. A token that is another's, or
// nobody's, is refused.
func (c *Core) preRouted(r *signaling.Request, from *traversal.Conn, token string) (done bool) {
	plan := c.plan.Load()
	if !plan.PreRouted {
		return false
	}
	s, why := c.openShortcut(r.Msg, plan, from.Zone(), peerOf(from), token)
	switch {
	case why != "":
		c.fast.refused.Add(1)
		c.refuse(r, 403, "Pre-routed route is refused", why)
		return true
	case s == nil:
		c.fast.stale.Add(1)
		return false
	}
	c.fast.taken.Add(1)
	c.sendRegister(r, from, s.domain, []target{s.target}, func(status int) []target {
		c.fast.known.forget(token)
		return c.otherRegistrars(r, from, s.target)
	})
	return true
}

// openShortcut reads a token and holds its bearer against it; nil where it has
// come to its end.
func (c *Core) openShortcut(m *sip.Message, plan *Plan, zone string, peer uint64, token string) (*shortcut, string) {
	if k, ok := c.fast.known.get(token); ok && k.peer == peer && k.link == zone && k.to == m.Get("To") && k.uri == m.URI() && k.binding == m.Get(headerBinding) {
		if k.epoch != plan.epoch || !c.cfg.Clock().Before(k.end) {
			c.fast.known.forget(token)
			return nil, ""
		}
		return &k.shortcut, ""
	}
	plain, err := c.tokens.open(purposeShortcut, zone, token, shortcutSize)
	if err != nil {
		return nil, "pre-routed route: forged"
	}
	s := shortcutOf(plain)
	aor, err := sip.ParseNameAddr(m.Get("To"))
	if err != nil || s.who != whose(m, aor.URI, peer) {
		return nil, "pre-routed route: of another registration"
	}
	if s.epoch != plan.epoch || !c.cfg.Clock().Before(s.end) || !plan.resolve(&s, aor.URI, m.URI()) {
		return nil, ""
	}
	c.fast.known.put(token, remembered{s, m.Get("To"), m.URI(), m.Get(headerBinding), peer, zone})
	return &s, ""
}

// resolve finds the target that a shortcut names in the present plan.
func (p *Plan) resolve(s *shortcut, aor sip.URI, requestURI string) (ok bool) {
	if s.domain, ok = p.Domain(aor.Host); !ok {
		return false
	}
	uri, err := sip.ParseURI(requestURI)
	if err != nil {
		return false
	}
	for _, z := range p.Zones.Zones {
		if z.Index == int(s.zone) && z.Type == zone.Neighbor && z.SIP && int(s.peer) < len(z.Peers) {
			s.target = peersOf(z, p.registrarURI(s.domain, uri).String())[s.peer]
			s.target.preRouted = true
			mine, _ := p.confine(s.domain.Deployment, []target{s.target})
			return len(mine) > 0
		}
	}
	return false
}

// shortcutTTL is how long a token serves before the way is searched anew.
const shortcutTTL = 2 * time.Hour

// handOut gives edge the token of the hop that accepted a registration, unless
// it came by one.
func (c *Core) handOut(resp, req *sip.Message, from *traversal.Conn, t target) {
	plan := c.plan.Load()
	if !plan.PreRouted || t.preRouted || resp.Status() >= 300 || resp.Status() < 200 {
		return
	}
	if token := c.shortcutTo(plan, req, from.Zone(), peerOf(from), t); token != "" {
		resp.Set(headerRoute, token)
	}
}

// shortcutTo seals a token for the hop that a REGISTER took, "" where that is no
// peer of a zone.
func (c *Core) shortcutTo(plan *Plan, req *sip.Message, linkZone string, peer uint64, t target) string {
	z := plan.Zones.Zone(t.zone)
	aor, err := sip.ParseNameAddr(req.Get("To"))
	if z == nil || err != nil || z.Type != zone.Neighbor {
		return ""
	}
	i := slices.Index(z.Peers, t.host)
	if i < 0 || i > 255 {
		return ""
	}
	s := shortcut{epoch: plan.epoch, who: whose(req, aor.URI, peer), end: c.cfg.Clock().Add(shortcutTTL), zone: uint16(z.Index), peer: uint8(i)}
	return sip.TokenUser('c', c.tokens.keys.Seal(purposeShortcut, linkZone, s.bytes()))
}

// otherRegistrars is the whole search without the hop that has failed.
func (c *Core) otherRegistrars(r *signaling.Request, from *traversal.Conn, failed target) (out []target) {
	_, ts, status, _, _ := c.registrarsOf(r.Msg, from)
	if status != 0 {
		return nil
	}
	for _, t := range ts {
		if t.zone != failed.zone || t.host != failed.host {
			out = append(out, t)
		}
	}
	return out
}
