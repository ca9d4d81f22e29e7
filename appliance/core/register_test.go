package core

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/sip"
	"sallyport/appliance/zone"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func query(alias string) zone.Query { return zone.Query{Source: "Edge", Alias: alias} }

func TestKeepOwn(t *testing.T) {
	own := []string{"<sip:alice@192.0.2.9:5061;transport=tls>;reg-id=1"}
	for _, c := range []struct{ name, contacts, want string }{
		{"with others", "<sip:alice@10.0.0.9>;expires=60, <sip:alice@192.0.2.9:5061;transport=tls>;expires=120;q=1", "<sip:alice@192.0.2.9:5061;transport=tls>;expires=120;q=1"},
		{"written another way", "<sip:%61lice@192.0.2.9:5061;transport=TLS>;expires=120", "<sip:%61lice@192.0.2.9:5061;transport=TLS>;expires=120"},
		{"only others", "<sip:alice@10.0.0.9>;expires=60", ""},
		{"what cannot be read", "nonsense", ""},
	} {
		m := answer(t, "200 OK", "Contact: "+c.contacts)
		keepOwn(m, own)
		if got := all(m, "Contact"); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
	m := answer(t, "200 OK")
	keepOwn(m, []string{"*"})
	if m.Has("Contact") {
		t.Error("a Contact out of nothing")
	}
}

func TestRestoreOwn(t *testing.T) {
	stand := map[string]standIn{"c1.tok": {user: "c1.tok", uri: "sip:alice@192.0.2.9:5061;transport=tls"}}
	m := answer(t, "200 OK", "Contact: <sip:other@10.0.0.9>, <sip:c1.tok@10.0.0.6:5060;transport=tcp>;expires=60;+sip.instance=\"<urn:uuid:1>\"")
	restoreOwn(m, stand)
	if got := all(m, "Contact"); got != `<sip:alice@192.0.2.9:5061;transport=tls>;expires=60;+sip.instance="<urn:uuid:1>"` {
		t.Error(got)
	}
}

func TestGrants(t *testing.T) {
	m := answer(t, "200 OK", "Expires: 300", "Contact: <sip:a@x>;expires=60, <sip:b@x>, <sip:c@x>;expires=0, <sip:d@x>;expires=soon")
	want := map[string]time.Duration{"a": time.Minute, "b": 5 * time.Minute, "c": 0, "d": time.Hour}
	got := grants(m, "600")
	for user, d := range want {
		if got[user] != d {
			t.Errorf("%s: %s", user, got[user])
		}
	}
	if d := grants(answer(t, "200 OK", "Contact: <sip:a@x>"), "600")["a"]; d != 10*time.Minute {
		t.Error(d)
	}
}

// TestRemember: a stand-in is known for as long as it is registered.
func TestRemember(t *testing.T) {
	c := planned(t)
	c.log = quiet()
	clock := newClock()
	c.contacts = emptyBook(t, clock, 2).table
	in := standIn{handle: handle{1}, value: "sip:alice@192.0.2.9\n<sip:e1.x@edge.example.com;lr>\n1f"}
	in.user = c.tokens.sealHandle(purposeBinding, within(inside, "example.com"), in.handle)
	stand := map[string]standIn{in.user: in}
	register := func(expires string) *sip.Message {
		m := answer(t, "200 OK", "Contact: <sip:"+in.user+"@10.0.0.6>;expires="+expires)
		c.remember(m, stand, "", "")
		return m
	}
	register("60")
	got, ok := c.recall(in.user)
	if !ok || got.uri != "sip:alice@192.0.2.9" || got.peer != 0x1f || strings.Join(got.path, "") != "<sip:e1.x@edge.example.com;lr>" {
		t.Fatalf("%+v, %v", got, ok)
	}
	clock.now = clock.now.Add(time.Minute + contactSlack)
	if _, ok := c.recall(in.user); ok {
		t.Error("known beyond its time")
	}
	register("60")
	register("0")
	if _, ok := c.recall(in.user); ok || c.contacts.Len() != 0 {
		t.Error("known after it was taken back")
	}
	for i := range 2 {
		_ = c.contacts.Put(string(rune('a'+i)), []byte("x"), time.Hour)
	}
	if m := register("60"); m.Status() != 503 {
		t.Errorf("no room, and still %d", m.Status())
	}
	for _, user := range []string{"alice", "c1.x", c.tokens.sealHandle(purposeContact, within(inside, "example.com"), handle{1})} {
		if _, ok := c.recall(user); ok {
			t.Errorf("%s is known", user)
		}
	}
}

func TestDropOption(t *testing.T) {
	for in, want := range map[string]string{"outbound": "", "path, OUTBOUND, gruu": "path, gruu", "100rel": "100rel"} {
		m := invite(t, "Supported: "+in)
		dropOption(m, "outbound")
		if got := m.Get("Supported"); got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// FuzzClaim: whatever addresses a client writes, a message keeps as many of
// them, and none that is masked afterwards is dialled.
func FuzzClaim(f *testing.F) {
	o := way(f)
	for _, s := range []string{"<sip:x@10.0.0.99>", `"a, b" <sip:x@y>;q=1, sip:z@w;expires=1`, "*", "<tel:+1>", "<sip:x@y>;x-sallyport-claimed"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, contact string) {
		m := invite(t)
		m.Add("Contact", contact)
		before := len(m.Values("Contact"))
		claim(m)
		if n := len(m.Values("Contact")); n != before {
			t.Fatalf("%q: %d became %d", contact, before, n)
		}
		if o.contacts(m, "Contact") != nil {
			return
		}
		for _, v := range m.Values("Contact") {
			if na, err := sip.ParseNameAddr(v); err == nil && na.URI.SIP() {
				if real, ok := o.contact(na.URI.User); ok {
					t.Errorf("%q: dials %s", contact, real)
				}
			}
		}
	})
}
