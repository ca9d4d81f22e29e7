package lab

import (
	"fmt"
	"strings"
)

// InsideAddressLeak looks for inside addresses in what a far end would route or
// send media by: Request-URI, Via, Route, Record-Route, Path, Service-Route,
// Contact, Warning and SDP. A prefix is the beginning of an address or host
// name, "127.10.1." say. Identities (From, To, Call-ID) are not looked at:
// what inside systems minted may pass. Each finding is one readable line.
func InsideAddressLeak(raw []byte, insidePrefixes []string) []string {
	m, err := ParseMessage(raw)
	if err != nil {
		return []string{err.Error()}
	}
	var leaks []string
	look := func(where, text string) {
		if p := mentions(text, insidePrefixes); p != "" {
			leaks = append(leaks, fmt.Sprintf("%s names %s: %s", where, p, text))
		}
	}
	look("Request-URI", m.URI())
	for _, f := range m.Fields {
		if routing(f.Name) {
			look(f.Name, f.Value)
		}
	}
	described := strings.Contains(strings.ToLower(m.Get("Content-Type")), "sdp") || strings.HasPrefix(string(m.Body), "v=0")
	for line := range strings.Lines(string(m.Body)) {
		if line = strings.TrimSpace(line); described || descriptive(line) {
			look("SDP", line)
		}
	}
	return leaks
}

// descriptive tells whether a line of a body of many parts is one of SDP.
func descriptive(line string) bool {
	return len(line) > 2 && line[1] == '=' && strings.IndexByte("voscima", line[0]) >= 0
}

// HeaderAddressLeak does the same for HTTP header rows or any other text.
func HeaderAddressLeak(name, value string, insidePrefixes []string) []string {
	if p := mentions(value, insidePrefixes); p != "" {
		return []string{fmt.Sprintf("%s names %s: %s", name, p, value)}
	}
	return nil
}

// CaptureLeaks runs InsideAddressLeak over all that was received.
func CaptureLeaks(seen []Capture, insidePrefixes []string) []string {
	var leaks []string
	for _, c := range seen {
		if !c.Sent {
			leaks = append(leaks, InsideAddressLeak(c.Raw, insidePrefixes)...)
		}
	}
	return leaks
}

func routing(name string) bool {
	switch strings.ToLower(name) {
	case "via", "route", "record-route", "path", "service-route", "contact", "warning":
		return true
	}
	return false
}

// mentions finds a prefix that stands at the beginning of a word.
func mentions(text string, prefixes []string) string {
	lower := strings.ToLower(text)
	for _, p := range prefixes {
		for from := 0; ; {
			i := strings.Index(lower[from:], strings.ToLower(p))
			if i < 0 {
				break
			}
			at := from + i
			if at == 0 || !wordByte(lower[at-1]) {
				return p
			}
			from = at + 1
		}
	}
	return ""
}

func wordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c == '.' || c == '-'
}
