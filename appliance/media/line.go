package media

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/sdp"
)

// Line is what a role remembers of one m-line. It holds no keys of SRTP.
type Line struct {
	M     sdp.MLine // as passed on, apart from ports: 0 if switched off by whoever
	Class sdp.Class
	Conn  sdp.Conn
	At    [2]netip.AddrPort // where its sender receives RTP and RTCP; zero if not said
	Muxed bool
	Dir   sdp.Direction
	Rates []Rate
	Keyed bool // it carries a=crypto

	ICE   sdp.ICE // its sender's agent, as passed on
	NoICE string  // why that cannot be used, if there is one
}

// ReadLine reads m-line i of a description.
func ReadLine(b *sdp.Body, i int) Line {
	s := b.Media[i]
	l := Line{M: s.M(), Conn: b.Conn(i), Dir: b.Direction(i), Muxed: s.Has("rtcp-mux"), Keyed: s.Has("crypto"), Rates: rates(s)}
	l.Class = l.M.Class()
	l.ICE, l.NoICE = b.ICE(i)
	if l.Conn.Addr.IsValid() && !l.Conn.Held && l.M.Port != 0 {
		l.At[compRTP] = netip.AddrPortFrom(l.Conn.Addr, uint16(l.M.Port))
		l.At[compRTCP] = b.RTCP(i)
		if l.Muxed {
			l.At[compRTCP] = l.At[compRTP]
		}
	}
	return l
}

// Foreign reports a line that is about another network (c=PSTN …) and none of ours.
func (l Line) Foreign() bool { return !l.Conn.Internet && !l.Conn.Missing }

// On reports whether the line is a stream that we relay.
func (l Line) On() bool {
	return l.M.Port != 0 && !l.Foreign() && (l.Class == sdp.RTP || l.Class == sdp.RawUDP)
}

// Plain is the line itself: for roles that remember more of one.
func (l Line) Plain() Line { return l }

// StripKeying takes keying out that does not end here: DTLS of RTP lines, and
// what the session says of it unless some other line may want it.
func StripKeying(b *sdp.Body, lines []Line) {
	other := false
	for i, l := range lines {
		foreign := l.Foreign() // a=setup says there who calls whom (RFC 7195)
		if l.Class == sdp.RTP && !foreign {
			b.Media[i].StripDTLS()
		}
		other = other || foreign || l.Class == sdp.RawUDP && l.On()
	}
	if !other {
		b.Session.StripDTLS()
	}
	b.Session.Remove("crypto") // has no meaning there, but is a key
}

const maxRates = 32

// rates reads the clock of each payload type.
func rates(s *sdp.Section) []Rate {
	var all []Rate
	for _, v := range s.Attrs("rtpmap") {
		payload, coding, _ := strings.Cut(v, " ")
		parts := strings.Split(strings.TrimSpace(coding), "/")
		n, err := strconv.ParseUint(payload, 10, 7)
		if err != nil || len(parts) < 2 || len(all) == maxRates {
			continue
		}
		if hz, err := strconv.ParseUint(parts[1], 10, 32); err == nil {
			all = append(all, Rate{uint8(n), uint32(hz)})
		}
	}
	return all
}

// Pass says how a line leaves a node.
type Pass struct {
	On   bool       // false = the line is switched off, or was
	Addr netip.Addr // our address on that side
	Port int        // ours, RTP
	RTCP int        // ours
}

// Readdress puts our addresses and ports in place of the sender's: o=, c= and
// each m-line with its a=rtcp. Lines about other networks stay. since is when
// the session began here: the version of o= is moved by it, so that a node
// that lost the session and opens other ports for it says something newer.
func Readdress(b *sdp.Body, lines []Line, pass []Pass, usual netip.Addr, since time.Time) {
	main := usual
	for _, p := range pass {
		if p.On {
			main = p.Addr
			break
		}
	}
	reorigin(b, main, since)
	readdressSession(b, main)
	for i, p := range pass {
		if !lines[i].Foreign() {
			readdressLine(b.Media[i], lines[i], p, main, b.Session.HasConn())
		}
	}
}

func readdressSession(b *sdp.Body, main netip.Addr) {
	if c := b.SessionConn(); c.Internet && !c.Held {
		b.Session.SetConn(main)
	}
}

func readdressLine(s *sdp.Section, l Line, p Pass, main netip.Addr, shared bool) {
	addr := main
	if p.On {
		addr = p.Addr
	}
	if !l.Conn.Held && (s.HasConn() || addr != main || !shared) {
		s.SetConn(addr)
	}
	if !p.On {
		s.SetPort(0)
		s.Remove("rtcp", "crypto", "path", Attribute)
		return
	}
	s.SetPort(p.Port)
	s.SetRTCP(p.RTCP)
}

// epoch is where versions are counted from, to keep them short.
const epoch = 1767225600 // 2026-01-01

func reorigin(b *sdp.Body, a netip.Addr, since time.Time) {
	o, ok := b.Origin()
	if !ok {
		b.SetOrigin("-", "0", a)
		return
	}
	if _, err := netip.ParseAddr(o.User); err == nil || strings.ContainsAny(o.User, "@") {
		o.User = "-"
	}
	version := o.Version
	if n, err := strconv.ParseUint(version, 10, 62); err == nil {
		version = strconv.FormatUint(n+uint64(max(0, since.Unix()-epoch)), 10)
	}
	b.SetOrigin(o.User, version, a)
}

// Without is addrs less the addresses that we show ourselves.
func Without(addrs []netip.Addr, own []Pass) []netip.Addr {
	return slices.DeleteFunc(slices.Clone(addrs), func(a netip.Addr) bool {
		return slices.ContainsFunc(own, func(p Pass) bool { return p.Addr == a })
	})
}
