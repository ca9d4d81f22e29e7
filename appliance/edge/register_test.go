package edge

import (
	"testing"
	"time"
)

func TestExpiry(t *testing.T) {
	for _, c := range []struct {
		name     string
		asked    string
		answered []string
		want     time.Duration
	}{
		{"the contact's own", "600", []string{"Contact: <sip:a@192.0.2.9>;expires=120", "Expires: 300"}, 2 * time.Minute},
		{"of the answer", "600", []string{"Contact: <sip:a@192.0.2.9>", "Expires: 300"}, 5 * time.Minute},
		{"as asked", "600", []string{"Contact: <sip:a@192.0.2.9>"}, 10 * time.Minute},
		{"gone", "0", nil, 0},
		{"taken back", "0", []string{"Contact: <sip:a@192.0.2.9>;expires=0"}, 0},
		{"what cannot be read", "600", []string{"Contact: <sip:a@192.0.2.9>;expires=soon"}, time.Hour},
		{"nothing said at all", "", []string{"Contact: <sip:a@192.0.2.9>"}, time.Hour},
		{"beyond all measure", "600", []string{"Contact: <sip:a@192.0.2.9>;expires=4294967295"}, maxExpiry},
		{"beyond a number", "600", []string{"Contact: <sip:a@192.0.2.9>;expires=99999999999999"}, time.Hour},
	} {
		req := invite(t, "Expires: "+c.asked)
		if c.asked == "" {
			req.Remove("Expires")
		}
		text := "SIP/2.0 200 OK"
		for _, f := range c.answered {
			text += "\n" + f
		}
		if got := expiry(req, parse(t, text)); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}

func TestBindingKeys(t *testing.T) {
	const owner = "alice@example.com"
	key := func(contacts ...string) any { return bindingKey(owner, contacts) }
	phone := `<sip:alice@192.0.2.9:5061>;+sip.instance="<urn:uuid:1>";reg-id=1`
	same := map[string]bool{
		phone: true,
		`<sip:alice@198.51.100.1:40000>;reg-id=1;+sip.instance="<URN:UUID:1>"`: true, // another address
		`<sip:alice@192.0.2.9:5061>;+sip.instance="<urn:uuid:1>";reg-id=2`:     false,
		`<sip:alice@192.0.2.9:5061>;+sip.instance="<urn:uuid:2>";reg-id=1`:     false,
		`<sip:alice@192.0.2.9:5061>`:                                           false,
	}
	for contact, want := range same {
		if (key(contact) == key(phone)) != want {
			t.Errorf("%s: want same = %v", contact, want)
		}
	}
	if key("<sip:a@192.0.2.9>") == key("<sip:b@192.0.2.9>") {
		t.Error("two lines without an instance are one")
	}
	if key("*") != key() {
		t.Error("* is a device")
	}
}
