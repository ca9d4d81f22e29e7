package sdp

import (
	"crypto/sha256"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ICE is what an ICE agent says of one stream (RFC 8839): the two halves of the
// short-term credential by which its peer asks it.
type ICE struct {
	Ufrag, Pwd string
}

// On reports whether there is an agent.
func (i ICE) On() bool { return i.Ufrag != "" && i.Pwd != "" }

// String hides the password.
func (i ICE) String() string { return i.Ufrag + ":***" }

// Mark stands for an agent where its credentials need not be known: who has not
// seen them cannot make it.
func (i ICE) Mark() [sha256.Size]byte { return sha256.Sum256([]byte(i.Ufrag + "\x00" + i.Pwd)) }

// MaxCandidates is far above what clients list: some addresses of either
// family, each as host, reflexive and relayed, for RTP and RTCP.
const MaxCandidates = 48

// ICE reads the agent of m-line i. why says in plain words what makes it
// unusable, and is empty where there is none at all.
func (b *Body) ICE(i int) (agent ICE, why string) {
	s := b.Media[i]
	agent = ICE{b.either(s, "ice-ufrag"), b.either(s, "ice-pwd")}
	lines := s.Attrs("candidate")
	switch {
	case agent == ICE{} && len(lines) == 0:
		return ICE{}, ""
	case !iceChars(agent.Ufrag, 4, 256) || !iceChars(agent.Pwd, 22, 256):
		return ICE{}, "its ICE credentials are not well formed"
	case len(lines) > MaxCandidates:
		return ICE{}, "it lists more than " + strconv.Itoa(MaxCandidates) + " candidates"
	}
	for _, v := range lines {
		if _, ok := parseCandidate(v); !ok {
			return ICE{}, "a candidate of its is not well formed"
		}
	}
	return agent, ""
}

// either is a section's own attribute, else the session's.
func (b *Body) either(s *Section, name string) string {
	if v, ok := s.Attr(name); ok {
		return v
	}
	v, _ := b.Session.Attr(name)
	return v
}

func iceChars(s string, least, most int) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if !(c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '+' || c == '/') {
			return false
		}
	}
	return len(s) >= least && len(s) <= most
}

// Candidate is one a=candidate line, read.
type Candidate struct {
	Foundation string
	Component  int
	Transport  string
	Priority   uint32
	Addr       netip.Addr // zero if it is a name
	Port       uint16
	Type       string // host, srflx, prflx, relay
}

// Candidates reads a section's candidates; what is not well formed is left out.
func (s *Section) Candidates() (all []Candidate) {
	for _, v := range s.Attrs("candidate") {
		if c, ok := parseCandidate(v); ok {
			all = append(all, c)
		}
	}
	return all
}

// parseCandidate reads "1 1 UDP 2130706431 192.0.2.1 4000 typ host …".
func parseCandidate(v string) (c Candidate, ok bool) {
	f := words(v)
	if len(f) < 8 || f[6] != "typ" || !iceChars(f[0], 1, 32) {
		return c, false
	}
	component, err := strconv.ParseUint(f[1], 10, 8)
	priority, err2 := strconv.ParseUint(f[3], 10, 32)
	port, err3 := strconv.ParseUint(f[5], 10, 16)
	if err != nil || err2 != nil || err3 != nil || component == 0 {
		return c, false
	}
	c = Candidate{Foundation: f[0], Component: int(component), Transport: f[2], Priority: uint32(priority), Port: uint16(port), Type: f[7]}
	c.Addr, _ = netip.ParseAddr(f[4])
	return c, !c.Addr.IsMulticast() && !(c.Addr.IsValid() && c.Addr.IsUnspecified())
}

// AddRelay lists an address of ours behind a section's candidates, as the path
// to take when no other works. Its priority is the lowest that the component
// can have (RFC 8445 5.1.2.1).
func (s *Section) AddRelay(component int, at netip.AddrPort) {
	v := strings.Join([]string{"edge", strconv.Itoa(component), "UDP", strconv.Itoa(256 - component),
		at.Addr().String(), strconv.Itoa(int(at.Port())), "typ relay raddr", at.Addr().String(), "rport", strconv.Itoa(int(at.Port()))}, " ")
	i := len(s.lines)
	for j, l := range s.lines {
		if n, _ := l.attr(); n == "candidate" {
			i = j + 1
		}
	}
	s.insert(i, line{"a=candidate:" + v, s.body.eol})
}

// ofICE reports the attributes of ICE (RFC 8839, RFC 8840).
func ofICE(name string) bool {
	return name == "candidate" || name == "end-of-candidates" || name == "remote-candidates" || strings.HasPrefix(name, "ice-")
}

// StripICE takes ICE out of the m-lines that keep does not name, and out of the
// session where none keeps it.
func (b *Body) StripICE(keep func(i int) bool) {
	strip := func(s *Section) {
		s.removeIf(func(l line) bool { n, _ := l.attr(); return ofICE(n) })
	}
	any := false
	for i, s := range b.Media {
		if keep(i) {
			any = true
			continue
		}
		strip(s)
	}
	if !any {
		strip(b.Session)
	}
}

// DropRemote takes a=remote-candidates out that name one of our own ports: the
// far end never listed it.
func (s *Section) DropRemote(own ...netip.AddrPort) {
	s.removeIf(func(l line) bool {
		n, v := l.attr()
		f := words(v)
		for i := 2; n == "remote-candidates" && i < len(f); i += 3 { // component, address, port
			for _, a := range own {
				if f[i-1] == a.Addr().String() && f[i] == strconv.Itoa(int(a.Port())) {
					return true
				}
			}
		}
		return false
	})
}

// Hidden is before without the addresses that a description still names, but
// only in candidates: those are the far client's own and may stay.
func (b *Body) Hidden(before []netip.Addr) []netip.Addr {
	var open, listed []netip.Addr
	for _, s := range b.sections() {
		for _, l := range s.lines {
			n, _ := l.attr()
			into := &open
			if n == "candidate" || n == "remote-candidates" {
				into = &listed
			}
			for _, w := range addressWords(l) {
				if a, err := netip.ParseAddr(w); err == nil {
					*into = append(*into, a)
				}
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(before), func(a netip.Addr) bool {
		return slices.Contains(listed, a) && !slices.Contains(open, a)
	})
}
