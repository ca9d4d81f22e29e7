package edge

import (
	"net/netip"
	"strings"

	"sallyport/appliance/sip"
)

// A veil hides the identifiers that inside systems minted from a client: a
// zone may ask for it (Zones Zone n SIP HideIdentifiers) where nothing that
// refers to them, such as Replaces or Join, is used. What the client sees is
// sealed, so nothing has to be remembered to lift it again.
type veil struct {
	tokens tokens
	zone   string
	domain string // stands for inside hosts in identities
	node   func(host string) bool
}

// veiled begins what was sealed by a veil.
const veiled = "h1."

// veil is that of a binding's zone; nil where identifiers pass.
func (e *Edge) veil(zone, domain string) *veil {
	for _, z := range e.plan.Load().All {
		if z.Name == zone && z.HideIdentifiers {
			return &veil{tokens: e.tokens, zone: zone, domain: domain, node: e.insideNode}
		}
	}
	return nil
}

// maxVeiled bounds what is sealed; no inside system mints identifiers as long.
const maxVeiled = 512

func (v *veil) seal(text string) string {
	if len(text) > maxVeiled {
		return text
	}
	return veiled + v.tokens.keys.Seal(purposeIdentifier, v.tokens.sealedFor(v.zone), []byte(text))
}

func (v *veil) open(text string) (string, bool) {
	sealed, ok := strings.CutPrefix(text, veiled)
	if !ok {
		return text, false
	}
	plain, err := v.tokens.keys.Open(purposeIdentifier, v.tokens.sealedFor(v.zone), sealed)
	return string(plain), err == nil
}

// request veils a request of the inside: its tag, the hosts of its
// identities, and, if the inside began the dialog, the Call-ID.
func (v *veil) request(m *sip.Message, begunInside bool) {
	if v == nil {
		return
	}
	if begunInside {
		m.Set("Call-ID", v.seal(m.CallID()))
	}
	v.tag(m, "From")
	v.identities(m)
}

// remember keeps of a request what its answers are given back by: a 2xx may be
// repeated when the request itself is long let go.
func (v *veil) remember(request *sip.Message) *sip.Message {
	if v == nil {
		return nil
	}
	return request.Reply(100, "Trying")
}

// answer veils the inside's answer to a client's request: what the client
// wrote comes back as it was, a tag that the inside added is sealed.
func (v *veil) answer(resp, request *sip.Message) {
	if v == nil {
		return
	}
	resp.Set("Call-ID", request.CallID())
	resp.Set("From", request.Get("From"))
	if request.ToTag() != "" {
		resp.Set("To", request.Get("To"))
	} else {
		v.tag(resp, "To")
	}
	v.identities(resp)
}

// lift takes the veil off a client's request.
func (v *veil) lift(m *sip.Message) {
	if v == nil {
		return
	}
	if id, ok := v.open(m.CallID()); ok {
		m.Set("Call-ID", id)
	}
	if na, err := sip.ParseNameAddr(m.Get("To")); err == nil {
		if tag, ok := v.open(m.ToTag()); ok {
			m.Set("To", na.WithParam("tag", tag).String())
		}
	}
}

// restore gives the client's answer to a request of the inside the
// identifiers back that the inside wrote.
func (v *veil) restore(resp, request *sip.Message) {
	if v == nil {
		return
	}
	resp.Set("Call-ID", request.CallID())
	resp.Set("From", request.Get("From"))
	if to, err := sip.ParseNameAddr(request.Get("To")); err == nil && resp.ToTag() != "" {
		resp.Set("To", to.WithParam("tag", resp.ToTag()).String())
	}
}

func (v *veil) tag(m *sip.Message, name string) {
	na, err := sip.ParseNameAddr(m.Get(name))
	if err != nil {
		return
	}
	if tag, ok := na.Param("tag"); ok {
		m.Set(name, na.WithParam("tag", v.seal(tag)).String())
	}
}

// identities puts the domain where an identity of the inside is at an address
// or at a node that a core has named.
func (v *veil) identities(m *sip.Message) {
	for _, name := range [...]string{"From", "To", "Reply-To", "P-Asserted-Identity", "P-Called-Party-ID", "Remote-Party-ID", "Diversion", "History-Info"} {
		values := m.Values(name)
		changed := false
		for i, value := range values {
			na, err := sip.ParseNameAddr(value)
			if err != nil || !na.URI.SIP() {
				continue
			}
			if _, err := netip.ParseAddr(na.URI.Host); err == nil || v.node(na.URI.Host) {
				na.URI = sip.URI{Scheme: "sip", User: na.URI.User, Host: v.domain}
				values[i], changed = na.String(), true
			}
		}
		if changed {
			m.SetAll(name, values)
		}
	}
}
