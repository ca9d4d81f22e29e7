package edge

import (
	"strings"
	"testing"
	"time"
)

func hidden(t *testing.T) *veil {
	t.Helper()
	e := planned("Zones Zone 1 Name: Core", "Zones Zone 1 Type: TraversalServer", "Zones Zone 1 SIP HideIdentifiers: On",
		"Zones Zone 2 Name: Open", "Zones Zone 2 Type: TraversalServer")
	if e.veil("Open", "example.com") != nil || e.veil("Nowhere", "example.com") != nil {
		t.Fatal("a veil where nobody asked for one")
	}
	if err := e.nodes.learn(teller{zone: "Core"}, map[string][]string{"example.com": {"cucm1.corp.local", "example.com"}}, time.Now()); err != nil {
		t.Fatal(err)
	}
	v := e.veil("Core", "example.com")
	if v == nil {
		t.Fatal("no veil")
	}
	return v
}

// TestVeilOnACallFromOutside: to the inside the call is as if there were no
// veil, and the client sees nothing that the inside minted.
func TestVeilOnACallFromOutside(t *testing.T) {
	v := hidden(t)
	request := invite(t, "Call-ID: phone-1", "From: <sip:alice@example.com>;tag=a", "To: <sip:carol@example.com>")
	in := request.Clone()
	v.lift(in)
	if string(in.Bytes()) != string(request.Bytes()) {
		t.Errorf("lift changed what the client minted:\n%s", in.Bytes())
	}
	resp := in.Reply(200, "OK")
	resp.Set("To", `<sip:carol@example.com>;tag=pbx-10.0.0.20`)
	resp.Add("P-Asserted-Identity", `"Carol" <sip:carol@10.0.0.20:5060;user=phone>`)
	v.answer(resp, v.remember(request))
	if text := string(resp.Bytes()); strings.Contains(text, "10.0.0.20") {
		t.Errorf("the answer names the inside:\n%s", text)
	}
	if resp.CallID() != "phone-1" || resp.FromTag() != "a" {
		t.Errorf("what the client minted has changed:\n%s", resp.Bytes())
	}
	ack := invite(t, "Call-ID: phone-1", "From: <sip:alice@example.com>;tag=a", "To: "+resp.Get("To"))
	v.lift(ack)
	if ack.ToTag() != "pbx-10.0.0.20" || ack.CallID() != "phone-1" {
		t.Errorf("lifted to %s", ack.Get("To"))
	}
}

// TestVeilOnACallFromInside: request, answer, and a request of the client
// within the dialog.
func TestVeilOnACallFromInside(t *testing.T) {
	v := hidden(t)
	request := invite(t, "Call-ID: 77@10.0.0.20", `From: "Carol" <sip:carol@10.0.0.20:5060>;tag=pbx`, "To: <sip:alice@10.0.0.20>",
		"Diversion: <sip:dave@10.0.0.20>;reason=no-answer, <sip:erin@example.com>, <sip:frank@CUCM1.corp.local:5061>, <sip:grace@partner.test>")
	out := request.Clone()
	v.request(out, true)
	text := strings.ToLower(string(out.Bytes()))
	for _, inside := range []string{"10.0.0.20", "tag=pbx", "cucm1", "corp.local"} {
		if strings.Contains(text, inside) {
			t.Errorf("the request names %s:\n%s", inside, text)
		}
	}
	for _, known := range []string{"sip:dave@example.com", "sip:erin@example.com", "sip:frank@example.com", "sip:grace@partner.test"} {
		if !strings.Contains(text, known) {
			t.Errorf("the request lacks %s:\n%s", known, text)
		}
	}
	resp := out.Reply(200, "OK")
	v.restore(resp, v.remember(request))
	if resp.CallID() != request.CallID() || resp.Get("From") != request.Get("From") || resp.ToTag() == "" ||
		!strings.HasPrefix(resp.Get("To"), "<sip:alice@10.0.0.20>") {
		t.Errorf("the inside gets\n%s", resp.Bytes())
	}
	bye := invite(t, "Call-ID: "+out.CallID(), "From: "+out.Get("To")+";tag=a", "To: "+out.Get("From"))
	v.lift(bye)
	if bye.CallID() != "77@10.0.0.20" || bye.ToTag() != "pbx" {
		t.Errorf("the client's BYE became\n%s", bye.Bytes())
	}
	again := request.Clone()
	v.request(again, true)
	if again.CallID() != out.CallID() || again.FromTag() != out.FromTag() {
		t.Error("one dialog was given two names")
	}
}

func TestVeilOfAbsurdLength(t *testing.T) {
	v := hidden(t)
	long := strings.Repeat("x", 3000)
	m := invite(t, "Call-ID: "+long, "From: <sip:a@b>;tag="+long)
	v.request(m, true) // it must not panic: a user of another edge can send this
	if m.CallID() != long {
		t.Error("sealed")
	}
}

func TestNoVeil(t *testing.T) {
	m := invite(t)
	before := string(m.Bytes())
	var v *veil
	v.request(m, true)
	v.lift(m)
	v.answer(m, m)
	v.restore(m, m)
	if string(m.Bytes()) != before {
		t.Errorf("changed:\n%s", m.Bytes())
	}
}

// FuzzVeilLift: whatever a client claims to have been given, nothing but what
// we sealed is opened, and nothing panics.
func FuzzVeilLift(f *testing.F) {
	e := planned()
	v := &veil{tokens: e.tokens, zone: "Core", domain: "example.com", node: e.insideNode}
	f.Add("h1.", "h1.AAAA")
	f.Add(v.seal("a"), v.seal("b"))
	f.Add(veiled+v.tokens.keys.Seal(purposePath, "Core", []byte("x")), "plain")
	f.Fuzz(func(t *testing.T, id, tag string) {
		m := invite(t)
		m.Set("Call-ID", id)
		m.Set("To", "<sip:bob@example.com>;tag="+tag)
		before := m.CallID()
		v.lift(m)
		if after := m.CallID(); after != before && v.seal(after) != before {
			t.Errorf("%q became %q", before, after)
		}
	})
}
