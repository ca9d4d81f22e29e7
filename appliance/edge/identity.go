package edge

import (
	"strings"

	"sallyport/appliance/sip"
)

// aor is the address of record of a From, To or P-Preferred-Identity value:
// user as it stands, host in lower case, port and parameters gone
// (RFC 3261 10.3: the user part is compared with case, the host without).
func aor(value string) (string, error) {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return "", err
	}
	return na.URI.User + "@" + strings.ToLower(na.URI.Host), nil
}

// host is the part of an address of record that a domain rule is asked about.
func host(aor string) string { return aor[strings.LastIndexByte(aor, '@')+1:] }

// asserted are the headers by which an inside system vouches for somebody. A
// client never does that: they are removed from what comes in.
var asserted = [...]string{"P-Asserted-Identity", "P-Asserted-Service", "Remote-Party-ID", "P-Charging-Vector", "P-Access-Network-Info"}

// strip takes out of a client's message what only our own side may say.
func strip(m *sip.Message) {
	for _, name := range asserted {
		m.Remove(name)
	}
	m.RemovePrefix(privatePrefix)
}

// speaksFor tells whether everything a request says about its sender belongs
// to the address of record that its binding was confirmed for.
func speaksFor(m *sip.Message, owner string) (claimed string, ok bool) {
	for _, name := range [...]string{"From", "P-Preferred-Identity"} {
		for _, v := range m.Values(name) {
			if claimed, err := aor(v); err != nil || claimed != owner {
				return claimed, false
			}
		}
	}
	return owner, true
}
