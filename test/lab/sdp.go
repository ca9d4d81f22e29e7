package lab

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// session is what the lab's phones understand of an SDP body.
type session struct {
	addr  string // c= at session level
	media []mediaLine
}

// mediaLine is one m= section.
type mediaLine struct {
	kind      string // audio, video, ...
	port      int
	proto     string // RTP/AVP, RTP/SAVP
	formats   []string
	addr      string
	rtcpPort  int
	mux       bool
	direction string // sendrecv, sendonly, recvonly, inactive; "" is sendrecv
	cryptos   []crypto
	attrs     []string // every a= as it came
}

const (
	maxMediaLines = 16
	ptMulaw       = 0
	ptVideo       = 96
	ptEvent       = 101
)

func parseSDP(body []byte) (*session, error) {
	s := &session{}
	for _, line := range strings.Split(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") {
		kind, value, ok := strings.Cut(line, "=")
		if line == "" {
			continue
		}
		if !ok || len(kind) != 1 {
			return nil, fmt.Errorf("lab: bad SDP line %q", line)
		}
		if err := s.line(kind[0], value); err != nil {
			return nil, err
		}
	}
	for i := range s.media {
		if s.media[i].addr == "" {
			s.media[i].addr = s.addr
		}
	}
	return s, nil
}

func (s *session) line(kind byte, value string) error {
	switch {
	case kind == 'm':
		return s.addMedia(value)
	case kind == 'c' && len(s.media) == 0:
		s.addr = lastWord(value)
	case kind == 'c':
		s.last().addr = lastWord(value)
	case kind == 'a' && len(s.media) > 0:
		s.last().attribute(value)
	}
	return nil
}

func (s *session) last() *mediaLine { return &s.media[len(s.media)-1] }

func (s *session) addMedia(value string) error {
	f := strings.Fields(value)
	if len(f) < 4 || len(s.media) == maxMediaLines {
		return fmt.Errorf("lab: bad m=%s", value)
	}
	port, err := strconv.Atoi(f[1])
	if err != nil {
		return fmt.Errorf("lab: bad port in m=%s", value)
	}
	s.media = append(s.media, mediaLine{kind: f[0], port: port, proto: f[2], formats: f[3:]})
	return nil
}

func (m *mediaLine) attribute(a string) {
	m.attrs = append(m.attrs, a)
	name, value, _ := strings.Cut(a, ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.direction = name
	case "rtcp-mux":
		m.mux = true
	case "rtcp":
		first, _, _ := strings.Cut(value, " ")
		m.rtcpPort, _ = strconv.Atoi(first)
	case "crypto":
		if c, ok := parseCrypto(value); ok {
			m.cryptos = append(m.cryptos, c)
		}
	}
}

// remote is where RTP goes.
func (m *mediaLine) remote() (netip.AddrPort, error) {
	ip, err := netip.ParseAddr(m.addr)
	return netip.AddrPortFrom(ip, uint16(m.port)), err
}

// remoteRTCP is where RTCP goes.
func (m *mediaLine) remoteRTCP() netip.AddrPort {
	ip, _ := netip.ParseAddr(m.addr)
	switch {
	case m.mux:
		return netip.AddrPortFrom(ip, uint16(m.port))
	case m.rtcpPort != 0:
		return netip.AddrPortFrom(ip, uint16(m.rtcpPort))
	}
	return netip.AddrPortFrom(ip, uint16(m.port)+1)
}

func (m *mediaLine) secure() bool { return strings.Contains(m.proto, "SAVP") }

// pick chooses the first suite of ours that the offer has.
func (m *mediaLine) pick(mine []Suite) (crypto, bool) {
	for _, s := range mine {
		if i := slices.IndexFunc(m.cryptos, func(c crypto) bool { return c.suite == s }); i >= 0 {
			return m.cryptos[i], true
		}
	}
	return crypto{}, false
}

func (s *session) bytes(version uint64) []byte {
	family := "IP4"
	if strings.Contains(s.addr, ":") {
		family = "IP6"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=lab 1 %d IN %s %s\r\ns=-\r\nc=IN %s %s\r\nt=0 0\r\n", version, family, s.addr, family, s.addr)
	for _, m := range s.media {
		m.write(&b)
	}
	return []byte(b.String())
}

func (m *mediaLine) write(b *strings.Builder) {
	fmt.Fprintf(b, "m=%s %d %s %s\r\n", m.kind, m.port, m.proto, strings.Join(m.formats, " "))
	if m.port == 0 {
		return
	}
	for _, a := range m.attrs {
		fmt.Fprintf(b, "a=%s\r\n", a)
	}
	for _, c := range m.cryptos {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c)
	}
	if m.mux {
		b.WriteString("a=rtcp-mux\r\n")
	} else {
		fmt.Fprintf(b, "a=rtcp:%d\r\n", m.rtcpPort)
	}
	fmt.Fprintf(b, "a=%s\r\n", m.direction)
}

// answerDirection is what we may answer to an offered direction while our own
// wish is want (RFC 3264 6.1).
func answerDirection(offered, want string) string {
	send := (offered == "" || offered == "sendrecv" || offered == "recvonly") && sends(want)
	recv := (offered == "" || offered == "sendrecv" || offered == "sendonly") && receives(want)
	switch {
	case send && recv:
		return "sendrecv"
	case send:
		return "sendonly"
	case recv:
		return "recvonly"
	}
	return "inactive"
}

func sends(d string) bool    { return d == "" || d == "sendrecv" || d == "sendonly" }
func receives(d string) bool { return d == "" || d == "sendrecv" || d == "recvonly" }

func lastWord(s string) string {
	f := strings.Fields(s)
	if len(f) == 0 {
		return ""
	}
	host, _, _ := strings.Cut(f[len(f)-1], "/")
	return host
}
