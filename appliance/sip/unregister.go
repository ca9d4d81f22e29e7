package sip

import "strings"

// Unregisters tells whether a REGISTER takes back every contact that it names
// (RFC 3261 10.2.2). One that names none takes nothing back.
func Unregisters(m *Message) bool {
	contacts := m.Values("Contact")
	for _, v := range contacts {
		if v == "*" {
			continue
		}
		na, err := ParseNameAddr(v)
		if err != nil {
			return false
		}
		expires, own := na.Param("expires")
		if !own {
			expires = m.Get("Expires")
		}
		if strings.TrimSpace(expires) != "0" {
			return false
		}
	}
	return len(contacts) > 0
}
