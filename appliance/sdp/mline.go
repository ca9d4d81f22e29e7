package sdp

import (
	"strconv"
	"strings"
)

// MLine is an m= line, read.
type MLine struct {
	Type    string // audio, video, application, image, message, …
	Port    int    // 0 = this stream is refused or switched off
	Count   int    // ports asked for, as in 49170/2; 1 if not said
	Proto   string // as spelled, for instance RTP/SAVP or udptl
	Formats []string
}

func parseMLine(v string) (MLine, error) {
	f := words(v)
	if len(f) < 3 {
		return MLine{}, &Error{Why: "media line with less than three words"}
	}
	port, count, many := strings.Cut(f[1], "/")
	m := MLine{Type: f[0], Count: 1, Proto: f[2], Formats: f[3:]}
	var err error
	if m.Port, err = number(port, 65535); err != nil {
		return MLine{}, err
	}
	if many {
		if m.Count, err = number(count, 32); err != nil {
			return MLine{}, err
		}
	}
	return m, nil
}

func number(s string, max int) (int, error) {
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n > uint64(max) {
		return 0, &Error{Why: "media line with port " + strconv.Quote(s)}
	}
	return int(n), nil
}

// M reads the section's m= line. The session section has none.
func (s *Section) M() MLine {
	if len(s.lines) == 0 || s.lines[0].kind() != 'm' {
		return MLine{}
	}
	m, _ := parseMLine(s.lines[0].text[2:])
	return m
}

// SetPort changes the port and drops a port count; nothing else on the line moves.
func (s *Section) SetPort(port int) { s.setWord(1, strconv.Itoa(port)) }

// SetProto changes the transport; nothing else on the line moves.
func (s *Section) SetProto(proto string) { s.setWord(2, proto) }

// setWord replaces the n-th word of the m= line, spaces untouched.
func (s *Section) setWord(n int, word string) {
	v := s.lines[0].text[2:]
	start, end := 0, 0
	for i := 0; i <= n; i++ {
		start = end
		for start < len(v) && isSpace(v[start]) {
			start++
		}
		for end = start; end < len(v) && !isSpace(v[end]); end++ {
		}
	}
	s.put(0, v[:start]+word+v[end:])
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' }

// words splits where setWord does, at ASCII's white space alone: reader and
// writer must count alike, or an edit hits another word than was judged.
func words(v string) []string {
	return strings.FieldsFunc(v, func(r rune) bool { return r < 0x80 && isSpace(byte(r)) })
}

// Class says how a stream travels.
type Class uint8

const (
	Other  Class = iota // TCP, PSTN, unknown: cannot be relayed by UDP ports
	RTP                 // RTP without DTLS
	DTLS                // RTP keyed by DTLS
	RawUDP              // any other use of UDP: udptl, UDP/BFCP, UDP/DTLS/SCTP, …
)

// Class reads the transport.
func (m MLine) Class() Class {
	p := strings.ToUpper(m.Proto)
	switch {
	case p == "RTP/AVP" || p == "RTP/SAVP" || p == "RTP/AVPF" || p == "RTP/SAVPF":
		return RTP
	case strings.HasPrefix(p, "UDP/TLS/RTP/"):
		return DTLS
	case p == "UDP" || p == "UDPTL" || strings.HasPrefix(p, "UDP/"):
		return RawUDP
	}
	return Other
}

// Secure is the SRTP spelling of an RTP transport; others come back unchanged.
func Secure(proto string) string {
	switch strings.ToUpper(proto) {
	case "RTP/AVP":
		return "RTP/SAVP"
	case "RTP/AVPF":
		return "RTP/SAVPF"
	}
	return proto
}

// Plain is the RTP spelling of an SRTP transport; others come back unchanged.
func Plain(proto string) string {
	switch strings.ToUpper(proto) {
	case "RTP/SAVP":
		return "RTP/AVP"
	case "RTP/SAVPF":
		return "RTP/AVPF"
	}
	return proto
}

// IsSecure reports whether the transport demands SRTP.
func IsSecure(proto string) bool { return Plain(proto) != proto }
