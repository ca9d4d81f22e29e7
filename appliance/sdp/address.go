package sdp

import (
	"net/netip"
	"strconv"
	"strings"
)

// Conn is a c= line, read.
type Conn struct {
	Addr     netip.Addr // zero if the line names a host or another network
	Internet bool       // the network type is IN
	Held     bool       // 0.0.0.0 or ::, the old way to say hold
	Missing  bool       // there is no c= line at all
}

func parseConn(v string) Conn {
	f := words(v)
	if len(f) != 3 || f[0] != "IN" {
		return Conn{}
	}
	host, _, _ := strings.Cut(f[2], "/")
	a, err := netip.ParseAddr(host)
	if err != nil || a.Zone() != "" || a.IsMulticast() {
		return Conn{Internet: true}
	}
	return Conn{Addr: a.Unmap(), Internet: true, Held: a.IsUnspecified()}
}

// Conn is the connection that holds for m-line i: its own, else the session's.
func (b *Body) Conn(i int) Conn {
	for _, s := range []*Section{b.Media[i], b.Session} {
		if v, ok := s.value('c'); ok {
			return parseConn(v)
		}
	}
	return Conn{Missing: true}
}

// SetConn makes this the section's one c= line, adding it where the grammar
// wants it if there is none.
func (s *Section) SetConn(a netip.Addr) {
	v := "IN " + family(a) + " " + a.String()
	if i := s.index('c'); i >= 0 {
		s.put(i, v)
		rest := &Section{body: s.body, lines: s.lines[i+1:]}
		rest.removeIf(func(l line) bool { return l.kind() == 'c' }) // layers of a multicast group
		s.lines = append(s.lines[:i+1], rest.lines...)
		return
	}
	at := 1 // right behind m=, before b=, k= and a=
	for at < len(s.lines) && strings.IndexByte("vosiuepm", s.lines[at].kind()) >= 0 {
		at++
	}
	s.insert(min(at, len(s.lines)), line{"c=" + v, s.body.eol})
}

// HasConn reports whether the section has a c= line of its own.
func (s *Section) HasConn() bool { return s.index('c') >= 0 }

func family(a netip.Addr) string {
	if a.Is4() {
		return "IP4"
	}
	return "IP6"
}

// Origin is the o= line, read.
type Origin struct {
	User    string
	ID      string
	Version string
	Addr    string // as written
}

// Origin reads the o= line; ok is false if it has not six words.
func (b *Body) Origin() (Origin, bool) {
	v, _ := b.Session.value('o')
	f := words(v)
	if len(f) != 6 {
		return Origin{}, false
	}
	return Origin{f[0], f[1], f[2], f[5]}, true
}

// SetOrigin writes user, version and address of the o= line. The session id
// stays, because it is what makes two descriptions of one session.
func (b *Body) SetOrigin(user, version string, a netip.Addr) {
	o, ok := b.Origin()
	if !ok {
		o.ID = "0"
	}
	b.Session.put(b.Session.index('o'), strings.Join(
		[]string{user, o.ID, version, "IN", family(a), a.String()}, " "))
}

// RTCP is where a stream's RTCP goes by what the description says: the port
// beside the RTP port unless a=rtcp says another, on the stream's address
// unless a=rtcp names one.
func (b *Body) RTCP(i int) netip.AddrPort {
	s, c := b.Media[i], b.Conn(i)
	at := netip.AddrPortFrom(c.Addr, uint16(min(s.M().Port+1, 65535)))
	v, ok := s.Attr("rtcp")
	if !ok {
		return at
	}
	f := words(v)
	if len(f) == 0 {
		return at
	}
	if n, err := strconv.ParseUint(f[0], 10, 16); err == nil && n > 0 {
		at = netip.AddrPortFrom(at.Addr(), uint16(n))
	}
	if len(f) == 4 {
		if a := parseConn(strings.Join(f[1:], " ")); a.Addr.IsValid() && !a.Held {
			at = netip.AddrPortFrom(a.Addr, at.Port())
		}
	}
	return at
}

// SetRTCP writes a=rtcp where there is one, without an address.
func (s *Section) SetRTCP(port int) {
	if s.Has("rtcp") {
		s.Set("rtcp", strconv.Itoa(port))
	}
}

// SessionConn is the session's own connection.
func (b *Body) SessionConn() Conn {
	if v, ok := b.Session.value('c'); ok {
		return parseConn(v)
	}
	return Conn{Missing: true}
}
