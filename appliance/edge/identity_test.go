package edge

import (
	"strings"
	"testing"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

func TestAddressOfRecord(t *testing.T) {
	for _, c := range []struct{ value, want string }{
		{`<sip:alice@Example.COM>;tag=1`, "alice@example.com"},
		{`"Alice" <sips:Alice@example.com:5061;transport=tls>`, "Alice@example.com"},
		{`sip:alice@example.com;tag=1`, "alice@example.com"},
		{`<sip:al%69ce@example.com>`, "al%69ce@example.com"},
		{`<sip:alice:secret@example.com>`, "alice@example.com"},
		{`<sip:alice@[2001:DB8::1]>`, "alice@2001:db8::1"},
		{`<sip:example.com>`, "@example.com"},
		{`<tel:+4930123>`, "+4930123@"},
		{`<http:alice@example.com>`, "alice@example.com@"},
		{`*`, ""}, {``, ""}, {`<sip:a@b@c>`, ""}, {`"x <sip:a@b>`, ""},
	} {
		got, err := aor(c.value)
		if got != c.want || (err != nil) != (c.want == "") {
			t.Errorf("aor(%s) = %q, %v; want %q", c.value, got, err, c.want)
		}
	}
}

// FuzzAddressOfRecord holds that no two spellings of a stranger pass for a user
// whose name they do not end in, and that a domain is always found.
func FuzzAddressOfRecord(f *testing.F) {
	for _, s := range []string{`<sip:a@b>`, `"@" <sip:a@b:1;x=@c>`, `<tel:+1@b>`, `sip:a@[::1]`, `<mailto:a@b>`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got, err := aor(value)
		if err != nil {
			return
		}
		na, _ := sip.ParseNameAddr(value)
		if d := host(got); d != strings.ToLower(na.URI.Host) || !na.URI.SIP() && d != "" {
			t.Errorf("%q: %q is of domain %q", value, got, d)
		}
	})
}

func TestSpeaksFor(t *testing.T) {
	const alice = "alice@example.com"
	for _, c := range []struct {
		name   string
		fields []string
		ok     bool
	}{
		{"herself", []string{`From: "Boss" <sip:alice@EXAMPLE.com>;tag=1`}, true},
		{"another", []string{`From: <sip:bob@example.com>;tag=1`}, false},
		{"another domain", []string{`From: <sip:alice@example.org>;tag=1`}, false},
		{"an escape that a registrar may resolve", []string{`From: <sip:%61lice@example.com>;tag=1`}, false},
		{"a telephone number", []string{`From: <tel:+4930123>;tag=1`}, false},
		{"another scheme", []string{`From: <http:alice@example.com>;tag=1`}, false},
		{"prefers herself", []string{`P-Preferred-Identity: <sip:alice@example.com>`}, true},
		{"prefers another", []string{`P-Preferred-Identity: <sip:boss@example.com>`}, false},
		{"prefers two", []string{`P-Preferred-Identity: <sip:alice@example.com>, <sip:boss@example.com>`}, false},
		{"prefers in two rows", []string{`P-Preferred-Identity: <sip:alice@example.com>`, `P-Preferred-Identity: <tel:+1>`}, false},
		{"prefers what cannot be read", []string{`P-Preferred-Identity: alice`}, false},
	} {
		m := invite(t, c.fields...)
		if _, ok := speaksFor(m, alice); ok != c.ok {
			t.Errorf("%s: %v", c.name, ok)
		}
	}
}

func TestSpeakerIsOneOfTheConnection(t *testing.T) {
	two := []*flow.Binding{{ID: 1, Key: flow.Key{AOR: "bob@example.com"}}, {ID: 2, Key: flow.Key{AOR: "alice@example.com"}}}
	if b, _, ok := speaker(invite(t), two); !ok || b.ID != 2 {
		t.Errorf("got %d, %v", b.ID, ok)
	}
	if _, claimed, ok := speaker(invite(t), two[:1]); ok || claimed != "alice@example.com" {
		t.Errorf("alice spoke over bob's connection as %s", claimed)
	}
}

// TestPartOf: a token is good for its own dialog, and there for its own user
// only.
func TestPartOf(t *testing.T) {
	began := route{}.of(invite(t), "From")
	called := route{begunInside: true}.of(invite(t, "From: <sip:carol@example.com>;tag=c", "To: <sip:line7@10.0.0.20>"), "To")
	for _, c := range []struct {
		name   string
		token  route
		fields []string
		ok     bool
	}{
		{"her own call", began, nil, true},
		{"her own call as another", began, []string{"From: <sip:boss@example.com>;tag=a"}, false},
		{"another call", began, []string{"Call-ID: two"}, false},
		{"a call to her", called, nil, true},
		{"a call to her by another name", called, []string{"From: <sip:line7@10.0.0.20>;tag=9"}, true},
		{"a call to her as the caller", called, []string{"From: <sip:carol@example.com>;tag=c"}, false},
		{"a call to her, another Call-ID", called, []string{"From: <sip:line7@10.0.0.20>;tag=9", "Call-ID: two"}, false},
		{"preferring another", began, []string{"P-Preferred-Identity: <sip:boss@example.com>"}, false},
		{"preferring the name she was called by", called, []string{"P-Preferred-Identity: <sip:line7@10.0.0.20>"}, false},
		{"no address", began, []string{"From: <tel:+1>;tag=1"}, false},
	} {
		if claimed, ok := partOf(invite(t, c.fields...), "alice@example.com", c.token); ok != c.ok {
			t.Errorf("%s: %v (%s)", c.name, ok, claimed)
		}
	}
}

func TestOwnContacts(t *testing.T) {
	const registered = `<sip:alice@192.0.2.9:5061>;+sip.instance="<urn:uuid:1>";+u.sip!devicename.ccm.cisco.com="CSFALICE"`
	lines := []*flow.Binding{
		{Key: flow.Key{AOR: "alice@example.com"}, Contact: registered},
		{Key: flow.Key{AOR: "bob@example.com"}, Contact: `<sip:bob@192.0.2.9>;+sip.instance="<urn:uuid:2>"`},
	}
	for _, c := range []struct {
		contact string
		ok      bool
	}{
		{registered, true},
		{`<sip:alice@192.0.2.9:49000;transport=tls>`, true},
		{`<sip:alice@192.0.2.9>;+sip.instance="<URN:uuid:1>"`, true},
		{`<sip:alice@192.0.2.9>;+sip.instance="<urn:uuid:2>"`, false},
		{`<sip:alice@192.0.2.9>;+u.sip!devicename.ccm.cisco.com="CSFBOSS"`, false},
		{`<sip:alice@192.0.2.9>, <sip:alice@192.0.2.9>;+u.sip!devicename.ccm.cisco.com=CSFBOSS`, false},
		{`<sip:al%69ce@192.0.2.9>`, true},
		{`<sip:boss@192.0.2.9:5061>`, false},
		{`<sip:192.0.2.9:5061>`, false},
		{`<sip:bob@192.0.2.9>`, false}, // who is on this connection too, but is not the one who speaks
		{`<sip:alice@example.com;gr=urn:uuid:1>`, true},
		{`<tel:+4930123>`, false},
		{`*`, false},
	} {
		if ok := ownContacts(invite(t, "Contact: "+c.contact), "alice@example.com", lines); ok != c.ok {
			t.Errorf("%s: %v", c.contact, ok)
		}
	}
	if !ownContacts(invite(t), "alice@example.com", lines) {
		t.Error("a request without Contact")
	}
}

// The user part of a Contact is the phone's own invention, or call control's; a
// public GRUU has the user's own.
func TestOwnContactsOfAnotherName(t *testing.T) {
	lines := []*flow.Binding{{Key: flow.Key{AOR: "alice@example.com"}, Contact: `<sip:6c2f-11@192.0.2.9:5061>`}}
	for contact, ok := range map[string]bool{
		`<sip:6c2f-11@192.0.2.9>`: true, `<sip:alice@example.com;gr>`: true, `<sip:alice@192.0.2.9>`: false, `<sip:6c2f-12@192.0.2.9>`: false,
	} {
		if got := ownContacts(invite(t, "Contact: "+contact), "alice@example.com", lines); got != ok {
			t.Errorf("%s: %v", contact, got)
		}
	}
}

// One REGISTER is of one device, whatever else it takes back.
func TestOneDevice(t *testing.T) {
	const own = `<sip:a@192.0.2.9:5061>;+sip.instance="<urn:uuid:1>";+u.sip!devicename.ccm.cisco.com="CSFALICE"`
	for _, c := range []struct {
		contacts []string
		ok       bool
	}{
		{nil, true},
		{[]string{"*"}, true},
		{[]string{own}, true},
		{[]string{own, `<sip:a@192.0.2.8:5061>;+sip.instance="<urn:uuid:1>";expires=0`}, true},
		{[]string{own, `<sip:a@192.0.2.8:5061>;expires=0`}, true},
		{[]string{own, `<sip:b@192.0.2.9>;+u.sip!devicename.ccm.cisco.com="CSFBOSS"`}, false},
		{[]string{`<sip:a@192.0.2.9>`, own}, false},
		{[]string{own, `*`}, false},
	} {
		if ok := oneDevice(c.contacts); ok != c.ok {
			t.Errorf("%q: %v", c.contacts, ok)
		}
	}
}
