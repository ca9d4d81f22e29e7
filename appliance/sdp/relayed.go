package sdp

import (
	"net/netip"
	"slices"
	"strings"
)

// offersPath reports attributes that offer other addresses than ours
// (RFC 6947, RFC 4570, RFC 8859). A relay stands between the two ends, so what
// they say about paths that go round it is taken out. ICE is apart, see StripICE.
func offersPath(name string) bool {
	switch name {
	case "altc", "source-filter", "rtcp-mux-only", "bundle-only":
		return true
	}
	return false
}

// offersCapability reports attributes that carry transports and keys that
// were not negotiated with us (RFC 5939, RFC 6871, RFC 4567, RFC 6189).
func offersCapability(name string) bool {
	switch name {
	case "tcap", "acap", "pcfg", "acfg", "csup", "creq", "rmcap", "omcap", "mfcap", "mscap", "lcfg", "sescap",
		"key-mgmt", "zrtp-hash":
		return true
	}
	return false
}

// StripPaths takes out alternative addresses, capability negotiation and
// bundling, in all sections.
func (b *Body) StripPaths() {
	for _, s := range b.sections() {
		s.removeIf(func(l line) bool {
			n, v := l.attr()
			return offersPath(n) || offersCapability(n) || n == "group" && (v == "BUNDLE" || strings.HasPrefix(v, "BUNDLE "))
		})
	}
}

// StripDTLS takes DTLS keying of RTP out of a section: it would end nowhere
// (RFC 8842).
func (s *Section) StripDTLS() { s.Remove("setup", "fingerprint", "tls-id") }

// Addresses lists every address that o=, c=, a=rtcp and ICE lines name.
func (b *Body) Addresses() []netip.Addr {
	var all []netip.Addr
	for _, s := range b.sections() {
		for _, l := range s.lines {
			for _, w := range addressWords(l) {
				a, err := netip.ParseAddr(w)
				if err == nil && !a.IsUnspecified() && !slices.Contains(all, a) {
					all = append(all, a)
				}
			}
		}
	}
	return all
}

func addressWords(l line) []string {
	switch l.kind() {
	case 'o', 'c':
		return strings.FieldsFunc(l.text[2:], func(r rune) bool { return r == ' ' || r == '/' })
	case 'a':
		if n, v := l.attr(); n == "rtcp" || n == "candidate" || n == "remote-candidates" || n == "altc" {
			return words(v)
		}
	}
	return nil
}

// Scrub takes out every attribute and information line that still names one
// of these addresses. It is the last step before a description leaves for
// those who must not see them.
func (b *Body) Scrub(addrs []netip.Addr) int {
	var names []string
	for _, a := range addrs {
		names = append(names, a.String())
		if a.Is4() {
			continue
		}
		names = append(names, a.StringExpanded(), strings.ToUpper(a.String()))
	}
	n := 0
	for _, s := range b.sections() {
		n += s.removeIf(func(l line) bool {
			return strings.IndexByte("aiuep", l.kind()) >= 0 && mentions(l.text, names)
		})
	}
	return n
}

func mentions(text string, names []string) bool {
	for _, name := range names {
		for rest := text; ; {
			i := strings.Index(rest, name)
			if i < 0 {
				break
			}
			end := i + len(name)
			if !(i > 0 && inAddress(rest[i-1])) && !(end < len(rest) && inNumber(rest[end])) {
				return true
			}
			rest = rest[end:]
		}
	}
	return false
}

// inAddress reports whether c before a match makes it part of a longer address.
func inAddress(c byte) bool { return c == '.' || inNumber(c) }

func inNumber(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}
