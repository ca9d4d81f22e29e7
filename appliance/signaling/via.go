package signaling

import (
	"net/netip"
	"strconv"
	"strings"

	"sallyport/appliance/sip"
)

// stampVia writes where a request really came from into its top Via (RFC 3261
// 18.2.1, RFC 3581). What the sender claims there of itself is overwritten.
func stampVia(c Conn, m *sip.Message) {
	top, err := m.Via()
	if err != nil {
		return
	}
	from := c.Remote()
	_, wantsPort := top.Param("rport")
	_, claims := top.Param("received")
	if !wantsPort && !claims && sentBy(top) == from.Addr() {
		return
	}
	old, _ := sip.Cut(m.Get("Via"))
	if wantsPort || claims {
		old = unstamped(old)
	}
	stamp(m, old, from, wantsPort)
}

// stamp puts via, which has neither yet, with received, and with rport if that
// was asked for, in the place of the top Via.
func stamp(m *sip.Message, via string, from netip.AddrPort, rport bool) {
	var text, digits [48]byte
	addr := string(from.Addr().Unmap().WithZone("").AppendTo(text[:0]))
	if !rport {
		m.SetFirst("Via", via, ";received=", addr)
		return
	}
	port := string(strconv.AppendUint(digits[:0], uint64(from.Port()), 10))
	m.SetFirst("Via", via, ";received=", addr, ";rport=", port)
}

// replyPort is the port that answers to m go to if it is not the one that m
// came from, else 0: over UDP a sender that does not ask for rport wants them
// at the port of its Via (RFC 3261 18.2.2), as some gateways do.
func replyPort(c Conn, m *sip.Message) uint16 {
	if c.Reliable() {
		return 0
	}
	top, err := m.Via()
	if err != nil {
		return 0
	}
	if _, wantsPort := top.Param("rport"); wantsPort {
		return 0
	}
	port := uint16(top.Port)
	if port == 0 {
		port = 5060
	}
	if port == c.Remote().Port() {
		return 0
	}
	return port
}

// reply sends an answer back to where its request came from, or to the port
// that it names.
func reply(c Conn, port uint16, b []byte) error {
	if other, ok := c.(interface {
		SendTo(port uint16, b []byte) error
	}); ok && port != 0 {
		return other.SendTo(port, b)
	}
	return c.Send(b)
}

func sentBy(v sip.Via) netip.Addr {
	a, _ := netip.ParseAddr(strings.Trim(v.Host, "[]"))
	return a
}

// unstamped is a Via without received and rport.
func unstamped(via string) string {
	var b strings.Builder
	b.Grow(len(via))
	part, rest := cutParam(via)
	b.WriteString(strings.TrimSpace(part))
	for rest != "" {
		part, rest = cutParam(rest[1:])
		name, _, _ := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		if strings.EqualFold(name, "received") || strings.EqualFold(name, "rport") {
			continue
		}
		b.WriteByte(';')
		b.WriteString(strings.TrimSpace(part))
	}
	return b.String()
}

// cutParam cuts s at its first semicolon outside a quoted string; the rest
// begins with it.
func cutParam(s string) (part, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case quoted && s[i] == '\\':
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == ';' && !quoted:
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// pushVia puts our Via on top of a request that leaves over c.
func pushVia(m *sip.Message, c Conn, host, id string) {
	rport := ""
	if !c.Reliable() {
		rport = ";rport"
	}
	m.Prepend("Via", "SIP/2.0/", c.Network(), " ", host, rport, ";branch=", id)
}
