package edge

import (
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

func aor(value string) (string, error) { return call.AOR(value) }

func host(aor string) string { return call.Host(aor) }

// speaksFor tells whether everything a request says about its sender belongs
// to the address of record that its binding was confirmed for.
func speaksFor(m *sip.Message, owner string) (claimed string, ok bool) {
	for _, name := range [...]string{"From", "P-Preferred-Identity"} {
		for v := range m.Each(name) {
			if !isAOR(v, owner) {
				claimed, _ := aor(v)
				return claimed, false
			}
		}
	}
	return owner, true
}

// isAOR tells whether aor(value) is owner.
func isAOR(value, owner string) bool {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return false
	}
	user, host, n := na.URI.User, strings.ToLower(na.URI.Host), len(na.URI.User)
	return len(owner) == n+1+len(host) && owner[:n] == user && owner[n] == '@' && owner[n+1:] == host
}

// partOf tells whether a request within a dialog is of the dialog that its
// route token was made for, and speaks for the binding's user: by his own
// address of record, or by the one that he was called by.
func partOf(m *sip.Message, owner string, t route) (claimed string, ok bool) {
	claimed, err := aor(m.Get("From"))
	if err != nil || claimed != owner && mark(claimed) != t.self || mark(m.CallID()) != t.call {
		return claimed, false
	}
	for _, v := range m.Values("P-Preferred-Identity") {
		if claimed, err := aor(v); err != nil || claimed != owner {
			return claimed, false
		}
	}
	return claimed, true
}

// ownContacts tells whether the Contacts of a request are of a device that is
// registered on its connection: call control finds the line by them.
func ownContacts(m *sip.Message, owner string, bindings []*flow.Binding) bool {
	for _, v := range m.Values("Contact") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			return false
		}
		known := false
		for _, b := range bindings {
			known = known || b.Key.AOR == owner && call.SameLine(na, owner, b.Contact)
		}
		if !known {
			return false
		}
	}
	return true
}

// oneDevice tells whether the Contacts of a registration name no other device
// than the first does, which the binding is made for.
func oneDevice(contacts []string) bool {
	if len(contacts) < 2 {
		return true
	}
	own, err := sip.ParseNameAddr(contacts[0])
	if err != nil {
		return false
	}
	for _, v := range contacts[1:] {
		if na, err := sip.ParseNameAddr(v); err != nil || !call.SameDevice(na, own) {
			return false
		}
	}
	return true
}
