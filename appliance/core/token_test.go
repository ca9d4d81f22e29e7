package core

import (
	"testing"

	"sallyport/appliance/sip"
)

func TestTokens(t *testing.T) {
	k, other := keys(), keys()
	two := []string{"example.com", "example.org"}
	for _, purpose := range []byte{purposePath, purposeInside} {
		a := anchor{peer: 1, session: 2, domain: "example.org"}
		user := k.sealAnchor(purpose, a)
		if got, err := k.openAnchor(purpose, user, two); err != nil || got != a {
			t.Errorf("%c: %+v, %v", purpose, got, err)
		}
		for _, wrong := range []byte{purposePath, purposeInside, purposeOutside, purposeContact, purposeBinding} {
			if got, err := k.openAnchor(wrong, user, two); wrong != purpose && err == nil {
				t.Errorf("%c opens as %c: %+v", purpose, wrong, got)
			}
		}
		if _, err := k.openAnchor(purpose, user, two[:1]); err == nil {
			t.Errorf("%c: opens for another domain", purpose)
		}
		if _, err := other.openAnchor(purpose, user, two); err == nil {
			t.Errorf("%c: opens for another core", purpose)
		}
	}
	w := wayBack{session: 3, routes: handle{1}}
	user := k.sealWayBack("Edge", w)
	if got, err := k.openWayBack("Edge", user); err != nil || got != w || len(user) >= 90 {
		t.Errorf("%+v, %v, %d characters", got, err, len(user))
	}
	if _, err := k.openWayBack("Edge 2", user); err == nil {
		t.Error("a route opens in another zone")
	}
	if _, err := k.openAnchor(purposeInside, user, two); err == nil {
		t.Error("a client's route opens inside")
	}
	h := handle{9}
	for _, purpose := range []byte{purposeContact, purposeClaimed, purposeBinding} {
		user := k.sealHandle(purpose, "Edge", h)
		if got, err := k.openHandle(purpose, "Edge", user); err != nil || got != h {
			t.Errorf("%c: %v, %v", purpose, got, err)
		}
		if _, err := k.openHandle(purpose, inside, user); err == nil {
			t.Errorf("%c opens in another zone", purpose)
		}
		if !sealed(user) {
			t.Errorf("%c does not look sealed", purpose)
		}
	}
	for _, user := range []string{"", "c1.", "c1.AAAA", "carol", sip.TokenUser('e', user[3:]), user[:len(user)-1]} {
		if _, err := k.openWayBack("Edge", user); err == nil {
			t.Errorf("%q opens", user)
		}
	}
	if sealed("c1.smith") || sealed("carol") || len(k.keys.Seal(purposeContact, "Edge", nil)) < shortestToken {
		t.Error("sealed() takes names for tokens, or the other way round")
	}
}
