package core

import (
	"strings"
	"testing"

	"sallyport/appliance/sip"
)

const inProxies = "<sip:10.0.0.21;lr>, <sip:10.0.0.20;lr;ftag=1>"

// TestRequestCollapsesRoutes: what proxies inside recorded becomes one token,
// and a client that follows it back passes them in the order they stand in.
func TestRequestCollapsesRoutes(t *testing.T) {
	o := way(t)
	m := invite(t, "Record-Route: "+inProxies, "Contact: <sip:carol@10.0.0.9>")
	own, taken, err := o.request(m, 7)
	if err != nil || strings.Join(taken, ", ") != inProxies {
		t.Fatal(taken, err)
	}
	if got := all(m, "Record-Route"); got != routeURI(own) {
		t.Errorf("Record-Route %s", got)
	}
	if strings.Contains(string(m.Bytes()), "10.0.0.9") {
		t.Error("Contact names the inside")
	}
	w, err := o.tokens.openWayBack("Edge", own)
	if err != nil || w.session != 7 {
		t.Fatal(w, err)
	}
	if text, _ := o.book.get(w.routes); strings.Join(sip.Split(text), ", ") != inProxies {
		t.Errorf("way back by %s", text)
	}
}

func TestRequestWithoutRoutes(t *testing.T) {
	o := way(t)
	own, taken, err := o.request(invite(t), 7)
	if w, _ := o.tokens.openWayBack("Edge", own); err != nil || len(taken) != 0 || w.routes != (handle{}) {
		t.Error(own, taken, err)
	}
	m := invite(t, "To: <sip:bob@example.com>;tag=b", "Record-Route: "+inProxies)
	own, taken, err = o.request(m, 7)
	if err != nil || own != "" || len(taken) != 2 || m.Has("Record-Route") {
		t.Errorf("within a dialog: %q, %v, %s, %v", own, taken, m.Get("Record-Route"), err)
	}
}

// TestResponseCollapsesRoutes: what stands above ours are inside proxies, in
// the order that a client passes them in last; what stands below is edge's.
func TestResponseCollapsesRoutes(t *testing.T) {
	o := way(t)
	mine, other := o.tokens.sealAnchor(purposeInside, anchor{peer: 1, session: 2}), o.tokens.sealAnchor(purposeInside, anchor{peer: 1, session: 3})
	core := func(user string) string { return "<sip:" + user + "@10.0.0.6:5060;transport=tcp;lr>" }
	const edge = "<sip:e1.abc@edge.example.com:5061;transport=tls;lr>"
	for _, c := range []struct {
		name, rows string
		below      string
		behind     string // the way back
	}{
		{"nobody between", core(mine) + "," + edge, edge, ""},
		{"two proxies", inProxies + "," + core(mine) + "," + edge, edge, "<sip:10.0.0.20;lr;ftag=1>|<sip:10.0.0.21;lr>"},
		{"a call back out through us", "<sip:e1.far@edge.example.com;lr>," + core(other) + ",<sip:10.0.0.20;lr>," + core(mine) + "," + edge, edge,
			"<sip:10.0.0.20;lr>|" + core(other) + "|<sip:e1.far@edge.example.com;lr>"},
		{"a strict router", "<sip:10.0.0.20>," + core(mine) + "," + edge, edge, "<sip:10.0.0.20>"},
	} {
		m := answer(t, "200 OK", "Record-Route: "+c.rows, "Contact: <sip:carol@10.0.0.9>")
		if err := o.response(m, 2, mine); err != nil {
			t.Fatal(err)
		}
		rows := m.Values("Record-Route")
		if len(rows) != 2 || rows[1] != c.below || strings.Contains(string(m.Bytes()), "@10.0.0.") {
			t.Errorf("%s: left\n%s", c.name, m.Bytes())
			continue
		}
		na, _ := sip.ParseNameAddr(rows[0])
		w, err := o.tokens.openWayBack("Edge", na.URI.User)
		if err != nil || w.session != 2 {
			t.Errorf("%s: %+v, %v", c.name, w, err)
		}
		if text, _ := o.book.get(w.routes); strings.Join(sip.Split(text), "|") != c.behind {
			t.Errorf("%s: way back by %s", c.name, text)
		}
	}
}

func TestResponseWithoutOurRoute(t *testing.T) {
	o := way(t)
	for _, c := range []struct{ status, contact string }{
		{"200 OK", "<sip:c1."}, {"183 Session Progress", "<sip:c1."}, {"302 Moved", "<sip:c1."}, {"485 Ambiguous", "<sip:c1."}, {"486 Busy", ""},
	} {
		m := answer(t, c.status, "Record-Route: "+inProxies, "Contact: <sip:carol@10.0.0.9>")
		if err := o.response(m, 0, ""); err != nil || m.Has("Record-Route") {
			t.Errorf("%s: %v, %s", c.status, err, m.Get("Record-Route"))
		}
		if got := m.Get("Contact"); !strings.HasPrefix(got, c.contact) || c.contact == "" && got != "" {
			t.Errorf("%s: Contact %s", c.status, got)
		}
	}
}

// TestFailedMaskFailsTheAnswer: rather no answer than one that names the
// inside.
func TestFailedMaskFailsTheAnswer(t *testing.T) {
	o := way(t)
	for _, contact := range []string{"<sip:" + strings.Repeat("x", maxText) + "@10.0.0.9>", "nonsense @ 10.0.0.9"} {
		m := invite(t).Reply(200, "OK")
		m.Add("Record-Route", inProxies)
		m.Add("Contact", contact)
		m.SetBody("application/sdp", []byte("c=IN IP4 10.0.0.9\r\n"))
		if err := o.response(m, 1, ""); err == nil {
			t.Errorf("%.20s passes", contact)
		}
		silence(m)
		if text := string(m.Bytes()); m.Status() != 500 || strings.Contains(text, "10.0.0.9") {
			t.Errorf("still says\n%s", text)
		}
	}
}

func TestMask(t *testing.T) {
	for _, c := range []struct {
		contact string
		reveals string // by index: what the token stands for; "" = passes as it is
		keeps   string
	}{
		{`<sip:carol@10.0.0.9:5062;transport=tcp>`, "sip:carol@10.0.0.9:5062;transport=tcp", ""},
		{`"Carol, at \"desk\"" <sip:carol@10.0.0.9>;+sip.instance="<urn:uuid:1>";q=0.5`, "sip:carol@10.0.0.9", `;+sip.instance="<urn:uuid:1>";q=0.5`},
		{`sip:carol@10.0.0.9;expires=60`, "sip:carol@10.0.0.9", ";expires=60"},
		{`<sips:carol@[2001:db8::9]:5061>`, "sips:carol@[2001:db8::9]:5061", ""},
		{`<sip:carol@10.0.0.9?Replaces=a%3Bto-tag%3D1>`, "sip:carol@10.0.0.9", ""},
		{`<tel:+4930123>`, "", ""},
		{`*`, "", ""},
	} {
		o := way(t)
		m := invite(t, "Contact: "+c.contact)
		if err := o.contacts(m, "Contact"); err != nil {
			t.Fatal(err)
		}
		got := m.Get("Contact")
		if c.reveals == "" {
			if got != c.contact {
				t.Errorf("%s became %s", c.contact, got)
			}
			continue
		}
		na, err := sip.ParseNameAddr(got)
		if err != nil || na.URI.Host != coreHost || na.Params != c.keeps || strings.Contains(c.contact, "?") != (na.URI.Headers != "") {
			t.Errorf("%s became %s", c.contact, got)
		}
		if real, ok := o.contact(na.URI.User); !ok || real.String() != c.reveals {
			t.Errorf("%s stands for %s", got, real)
		}
		foreign := o
		foreign.sealed = "Edge 2"
		if real, ok := foreign.contactIn(na.URI.String()); ok {
			t.Errorf("another zone opens %s", real)
		}
	}
	o := way(t)
	m := invite(t, `Contact: <sip:a@10.0.0.1>, "b, c" <sip:b@10.0.0.2>;q=1`)
	if err := o.contacts(m, "Contact"); err != nil || len(m.Values("Contact")) != 2 || strings.Contains(string(m.Bytes()), "@10.0.0.") {
		t.Errorf("%v\n%s", err, m.Bytes())
	}
}

// TestReferences: a transfer's target passes outward as a token and comes back
// as what it was, Replaces and all.
func TestReferences(t *testing.T) {
	o := way(t)
	m := invite(t, `Refer-To: "Carol" <sip:carol@10.0.0.9:5070?Replaces=x%3Bto-tag%3D1>`, "Referred-By: <sip:dave@example.com>")
	if err := o.references(m); err != nil || strings.Contains(string(m.Bytes()), "10.0.0.9") {
		t.Fatalf("%v\n%s", err, m.Bytes())
	}
	if m.Get("Referred-By") != "<sip:dave@example.com>" {
		t.Error("a name did not pass")
	}
	claim(m)
	o.reveal(m)
	if got := m.Get("Refer-To"); got != `"Carol" <sip:carol@10.0.0.9:5070?Replaces=x%3Bto-tag%3D1>` {
		t.Error(got)
	}
}

// TestClaimedIsNotDialled: an address that a client wrote leads another client
// along a dialog, and nowhere by itself.
func TestClaimedIsNotDialled(t *testing.T) {
	c := planned(t)
	o := outlet{tokens: c.tokens, book: c.book, zone: "Edge", sealed: "Edge"}
	for _, name := range addressed {
		m := invite(t, name+": <sip:x@10.0.0.99:22;transport=tcp>")
		claim(m) // in by one client
		if err := o.contacts(m, "Contact"); err != nil {
			t.Fatal(err)
		}
		if err := o.references(m); err != nil { // out to the other
			t.Fatal(err)
		}
		na, err := sip.ParseNameAddr(m.Get(name))
		if err != nil || !sealed(na.URI.User) || na.Params != "" {
			t.Fatalf("%s: %s", name, m.Get(name))
		}
		if ts := c.search(na.URI, o, m); len(ts) != 0 {
			t.Errorf("%s: core goes to %s:%d", name, ts[0].host, ts[0].port)
		}
		if real, ok := o.contactIn(na.URI.String()); !ok || real.Host != "10.0.0.99" {
			t.Errorf("%s: unknown within its dialog", name)
		}
	}
	m := invite(t, "Refer-To: <sip:dave@example.com>")
	claim(m)
	if err := o.references(m); err != nil || m.Get("Refer-To") != "<sip:dave@example.com>" {
		t.Errorf("a name became %s", m.Get("Refer-To"))
	}
}

// TestRevealedClaimStaysClaimed: passing a token on does not wash it.
func TestRevealedClaimStaysClaimed(t *testing.T) {
	o := way(t)
	m := invite(t, "Refer-To: <sip:x@10.0.0.99>")
	claim(m)
	if err := o.references(m); err != nil {
		t.Fatal(err)
	}
	claim(m)
	o.reveal(m)
	if err := o.references(m); err != nil {
		t.Fatal(err)
	}
	na, _ := sip.ParseNameAddr(m.Get("Refer-To"))
	if real, ok := o.contact(na.URI.User); ok {
		t.Errorf("dials %s", real)
	}
}

func TestRestoreRoutes(t *testing.T) {
	k := keys()
	own := k.sealWayBack("Edge", wayBack{session: 1})
	const inside, edge, evil = "<sip:c1.in@10.0.0.6;lr>", "<sip:e1.x@edge.example.com;lr>", "<sip:10.0.0.99:22;transport=tcp;lr>"
	taken := []string{"<sip:10.0.0.20;lr>"}
	ours := "<sip:" + own + "@edge.example.com;lr>"
	for _, c := range []struct{ name, status, own, rows, want string }{
		{"as it should be", "200 OK", own, edge + "," + ours, edge + "|" + inside + "|" + taken[0]},
		{"more below", "200 OK", own, edge + "," + ours + "," + evil, edge + "|" + inside + "|" + taken[0]},
		{"more above", "180 Ringing", own, evil + "," + edge + "," + ours, edge + "|" + inside + "|" + taken[0]},
		{"ours left out", "200 OK", own, evil, inside + "|" + taken[0]},
		{"all left out", "200 OK", own, "", inside + "|" + taken[0]},
		{"refused", "486 Busy", own, evil, ""},
		{"refused with routes", "486 Busy", own, edge + "," + ours, edge + "|" + inside + "|" + taken[0]},
		{"within a dialog", "200 OK", "", evil, taken[0]},
	} {
		var fields []string
		if c.rows != "" {
			fields = append(fields, "Record-Route: "+c.rows)
		}
		m := answer(t, c.status, fields...)
		restoreRoutes(m, c.own, inside, taken)
		if got := all(m, "Record-Route"); got != c.want {
			t.Errorf("%s: %s", c.name, got)
		}
	}
}
