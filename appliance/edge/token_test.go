package edge

import (
	"testing"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

func TestTokens(t *testing.T) {
	k := tokens{keys: keyring()}
	full := route{binding: 1, session: 2, peer: 3, call: 4, self: 5}
	inside := full
	inside.begunInside = true
	for _, c := range []struct {
		name    string
		purpose byte
		sealed  route
		opens   route
		dialog  bool
	}{
		{"path", purposePath, full, route{binding: 1}, false},
		{"record-route", purposeRecordRoute, full, full, true},
		{"begun inside", purposeBegunInside, full, inside, true},
	} {
		user := k.seal(c.purpose, "Core", c.sealed)
		if len(user) >= 90 {
			t.Errorf("%s: %d characters", c.name, len(user))
		}
		if got, err := k.open("Core", user); err != nil || got != c.opens {
			t.Errorf("%s: open %+v, %v", c.name, got, err)
		}
		if got, err := k.dialog("Core", user); (err == nil) != c.dialog || c.dialog && got != c.opens {
			t.Errorf("%s: dialog %+v, %v", c.name, got, err)
		}
		for _, wrong := range []string{"", "core", "Core2"} {
			if _, err := k.open(wrong, user); err == nil {
				t.Errorf("%s: opens in zone %q", c.name, wrong)
			}
		}
		if _, err := (tokens{keys: keyring()}).open("Core", user); err == nil {
			t.Errorf("%s: opens for another edge", c.name)
		}
	}
}

func TestTokensOfNoUse(t *testing.T) {
	k := tokens{keys: keyring()}
	good := k.seal(purposeRecordRoute, "Core", route{binding: 1})
	core := sip.TokenUser('c', k.keys.Seal(purposeRecordRoute, "Core", make([]byte, dialogSize)))
	short := sip.TokenUser('e', k.keys.Seal(purposeRecordRoute, "Core", make([]byte, 8)))
	long := sip.TokenUser('e', k.keys.Seal(purposePath, "Core", make([]byte, dialogSize)))
	hidden := sip.TokenUser('e', k.keys.Seal(purposeIdentifier, "Core", make([]byte, dialogSize)))
	for _, user := range []string{"", "alice", "e1.", "e1.AAAA", good[:len(good)-1], good + "A", "e2" + good[2:], core, short, long, hidden} {
		if r, err := k.open("Core", user); err == nil {
			t.Errorf("open %q: %+v", user, r)
		}
		if r, err := k.dialog("Core", user); err == nil {
			t.Errorf("dialog %q: %+v", user, r)
		}
	}
}

func TestBindingsHaveLastingNames(t *testing.T) {
	k := tokens{keys: keyring()}
	a, b := flow.Key{AOR: "a@x", Device: "d", Reg: "r"}, flow.Key{AOR: "a@x", Device: "dr"}
	first, again := k.binding(a), k.binding(a)
	if first != again || first == k.binding(b) {
		t.Error("names are not the bindings'")
	}
	if k.binding(a) == (tokens{keys: keyring()}).binding(a) {
		t.Error("a name can be computed without the key")
	}
}

// TestPathToken: a binding keeps its token until another would be made, and then
// gets that.
func TestPathToken(t *testing.T) {
	word := "core"
	keys := keyring()
	toks := tokens{keys: keys, word: func(string) string { return word }}
	first := toks.path("Core", 7, pathToken{})
	if first.user != toks.seal(purposePath, "Core", route{binding: 7}) {
		t.Fatal("not the token that is sealed for the binding")
	}
	if kept := toks.path("Core", 7, first); kept != first {
		t.Errorf("%v became %v", first, kept)
	}
	word = "other"
	other := toks.path("Core", 7, first)
	if other.user == first.user || other.user != toks.seal(purposePath, "Core", route{binding: 7}) {
		t.Error("a zone with another word has the former one's token")
	}
	if err := keys.Rotate(time.Unix(1e9, 0)); err != nil {
		t.Fatal(err)
	}
	if fresh := toks.path("Core", 7, other); fresh.user == other.user || fresh.sealing == other.sealing {
		t.Error("the retired key's token is still given")
	}
}
