package edge

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/sip"
)

// Headers that edge and core say to each other on the link. From outside they
// are refused a hearing, to outside they are not said.
const (
	privatePrefix = call.PrivatePrefix
	headerTrace   = "X-Sallyport-Trace"
	headerBinding = "X-Sallyport-Binding"
	headerPersist = "X-Sallyport-Persist" // a client that roams, as its Path names it
	headerUser    = "X-Sallyport-User"    // who was identified: by edge and core in a request, by core in its answer
)

// coreHost stands in core's tokens where a host must be written. Edge puts the
// name there by which the client knows it, so that the far end can hand the
// token back to any peer of ours and learns no inside address.
const coreHost = "core.invalid"

// face is how one client sees this edge: the name, port and transport of the
// connection it uses.
type face struct {
	host      string
	port      int
	transport string // "tls" or "tcp"
	at        string // hostport, if it was made before
}

func newFace(host string, port int, transport string) face {
	f := face{host: host, port: port, transport: transport}
	f.at = f.hostport()
	return f
}

// uri is this edge's own URI with a token for a user part.
func (f face) uri(token, params string) string {
	parts := f.parts(token, params)
	return strings.Join(parts[:], "")
}

// parts are those of uri, for a header that takes them one by one.
func (f face) parts(token, params string) [8]string {
	return [...]string{"<sip:", token, "@", f.hostport(), ";transport=", f.transport, params, ">"}
}

// hostport is the sent-by form, with IPv6 in brackets.
func (f face) hostport() string {
	if f.at != "" {
		return f.at
	}
	h := f.host
	if strings.IndexByte(h, ':') >= 0 { // IPv6: names and IPv4 have no colon
		h = "[" + h + "]"
	}
	return h + ":" + strconv.Itoa(f.port)
}

// outward makes a message of the inside fit to leave: nothing by which the
// client would route or send media names an inside address.
func (f face) outward(m *sip.Message) {
	m.RemovePrefix(privatePrefix)
	m.Remove("Path")
	m.Remove("Service-Route")
	m.Remove("P-Charging-Vector")
	for _, name := range [...]string{"Contact", "Record-Route", "Refer-To", "Referred-By", "Route"} {
		f.wear(m, name)
	}
	f.warn(m)
	inform(m)
}

// inform takes references out that point to an address by its number: a client
// outside can neither fetch from there nor call there. Names and URNs stay, and
// so do the identities of people (From, Reply-To, Diversion …) and bodies:
// by those no far end routes. A zone's veil hides the identities too.
func inform(m *sip.Message) {
	for _, name := range [...]string{"Alert-Info", "Call-Info", "Error-Info"} {
		if !m.Has(name) {
			continue
		}
		values := m.Values(name)
		kept := slices.DeleteFunc(slices.Clone(values), numbered)
		if len(kept) < len(values) {
			m.SetAll(name, kept)
		}
	}
}

// numbered tells whether a reference, <URI> with parameters, has an IP address
// for its host.
func numbered(value string) bool {
	_, uri, _ := strings.Cut(value, "<")
	uri, _, _ = strings.Cut(uri, ">")
	host := ""
	if u, err := sip.ParseURI(uri); err == nil && u.SIP() {
		host = u.Host
	} else if u, err := url.Parse(uri); err == nil {
		host = u.Hostname()
	}
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}

// wear gives core's tokens in one header this edge's name.
func (f face) wear(m *sip.Message, name string) {
	changed := false
	for v := range m.Each(name) {
		changed = changed || strings.Contains(v, "@"+coreHost)
	}
	if !changed {
		return
	}
	values := m.Values(name)
	for i, v := range values {
		if j := strings.Index(v, "@"+coreHost); j >= 0 {
			values[i] = v[:j+1] + f.hostport() + ";transport=" + f.transport + v[j+1+len(coreHost):]
		}
	}
	m.SetAll(name, values)
}

// warn puts this edge's name where a Warning names the agent that wrote it
// (RFC 3261 20.43: code, agent, text), and drops a text that names an address.
func (f face) warn(m *sip.Message) {
	if !m.Has("Warning") {
		return
	}
	values := m.Values("Warning")
	for i, v := range values {
		code, rest, _ := strings.Cut(strings.TrimSpace(v), " ")
		_, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
		if text == "" || namesAddress(text) {
			text = `"-"`
		}
		values[i] = code + " " + f.host + " " + strings.TrimSpace(text)
	}
	m.SetAll("Warning", values)
}

// namesAddress tells whether a text for people has an IP address in it.
func namesAddress(text string) bool {
	apart := func(r rune) bool { return !strings.ContainsRune("0123456789abcdefABCDEF.:", r) }
	for _, word := range strings.FieldsFunc(text, apart) {
		word = strings.Trim(word, ".")
		if _, err := netip.ParseAddr(strings.TrimRight(word, ":")); err == nil {
			return true
		}
		if _, err := netip.ParseAddrPort(word); err == nil {
			return true
		}
	}
	return false
}
