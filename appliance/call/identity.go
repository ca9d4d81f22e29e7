package call

import (
	"strings"

	"sallyport/appliance/sip"
)

// AOR is the address of record of a From, To or P-Preferred-Identity value:
// user as it stands, host in lower case, port and parameters gone
// (RFC 3261 10.3: the user part is compared with case, the host without).
func AOR(value string) (string, error) {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return "", err
	}
	return na.URI.User + "@" + strings.ToLower(na.URI.Host), nil
}

// Host is the part of an address of record that a domain rule is asked about.
func Host(aor string) string { return aor[strings.LastIndexByte(aor, '@')+1:] }

// Parameters of Contact by which call control tells devices apart.
var deviceParams = [...]string{"+sip.instance", "+u.sip!devicename.ccm.cisco.com"}

// SameLine compares a Contact with the one that owner registered: its user, and what it
// says of its device. A public GRUU has the user of the address of record.
func SameLine(na sip.NameAddr, owner, contact string) bool {
	registered, err := sip.ParseNameAddr(contact)
	if err != nil || !na.URI.SIP() {
		return false
	}
	user := registered.URI.User
	if _, gruu := na.URI.Param("gr"); gruu && strings.EqualFold(na.URI.Host, Host(owner)) {
		user = strings.TrimSuffix(owner, "@"+Host(owner))
	}
	return sip.Unescape(na.URI.User) == sip.Unescape(user) && SameDevice(na, registered)
}

// SameDevice tells whether a says nothing of its device that b does not say too.
func SameDevice(a, b sip.NameAddr) bool {
	for _, p := range deviceParams {
		if v, ok := a.Param(p); ok {
			if is, _ := b.Param(p); !strings.EqualFold(v, is) {
				return false
			}
		}
	}
	return true
}
