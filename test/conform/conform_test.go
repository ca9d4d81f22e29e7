package conform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/sip"
)

func TestTorture(t *testing.T) {
	cases, err := Torture()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 49 {
		t.Errorf("RFC 4475 has 49 messages, the table %d", len(cases))
	}
	judge(t, cases)
}

func TestIPv6(t *testing.T) {
	cases, err := IPv6()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 12 {
		t.Errorf("RFC 5118 has 12 messages, the table %d", len(cases))
	}
	judge(t, cases)
}

// TestSet holds the module's files against the RFC's list, both ways.
func TestSet(t *testing.T) {
	dir, err := sipgoTorture()
	if err != nil {
		t.Fatal(err)
	}
	have, err := tortureFiles(dir)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, c := range tortureTable() {
		want = append(want, c.Name)
		if !slices.Contains(have, c.Name) {
			t.Errorf("the module lacks %s: write it into testdata", c.Name)
		}
	}
	for _, name := range have {
		// sipgo adds "test", which is no message of the RFC.
		if !slices.Contains(want, name) && name != "test" {
			t.Errorf("the module has %s, which the table lacks", name)
		}
	}
}

func judge(t *testing.T, cases []Case) {
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			m, f := sip.Parse(bytes.Clone(c.Bytes))
			if c.Gate == 0 {
				if f != nil {
					t.Fatalf("%s: refused: %v", c.About, f)
				}
				letIn(t, c, m)
				return
			}
			refused(t, c, f)
		})
	}
}

// letIn checks that a message that passes is one that others can read, and that
// a proxy's edits leave the rest of it alone.
func letIn(t *testing.T, c Case, m *sip.Message) {
	t.Helper()
	out := m.Bytes()
	again, f := sip.Parse(out)
	if f != nil {
		t.Fatalf("what passed once is refused when it is read again: %v\n%s", f, out)
	}
	if !bytes.Equal(again.Bytes(), out) {
		t.Errorf("read again, it is written otherwise:\n%s\n%s", out, again.Bytes())
	}
	if n, err := sip.Frame(out, 1<<16); err != nil || n != len(out) {
		t.Errorf("Frame: %d, %v; want %d", n, err, len(out))
	}
	e := m.Clone()
	e.Prepend("Via", "SIP/2.0/TLS 192.0.2.99;branch=z9hG4bKnew")
	e.SetMaxForwards(5)
	if e.PopFirst("Via") != "SIP/2.0/TLS 192.0.2.99;branch=z9hG4bKnew" || e.MaxForwards() != 5 {
		t.Error("edits do not hold")
	}
	if !bytes.Equal(m.Bytes(), out) {
		t.Error("editing a clone changed the original")
	}
}

func refused(t *testing.T, c Case, f *sip.Fault) {
	t.Helper()
	if f == nil {
		t.Fatalf("%s: let in, want %d", c.About, c.Gate)
	}
	if f.Status != c.Gate || !strings.Contains(f.Reason, c.Says) {
		t.Errorf("%s: got %d %s, want %d with %q", c.About, f.Status, f.Reason, c.Gate, c.Says)
	}
	if c.Final == Dropped {
		if f.Msg != nil {
			t.Error("a response got something to reply to")
		}
		return
	}
	if f.Msg == nil {
		t.Fatal("cannot be answered")
	}
	r := f.Msg.Reply(f.Status, f.Reason)
	if r.Status() != c.Gate || r.Get("Via") == "" || r.Get("CSeq") != f.Msg.Get("CSeq") {
		t.Errorf("the reply lacks what it should repeat:\n%s", r.Bytes())
	}
}

// TestFacts checks what is read out of the messages that are easy to misread.
func TestFacts(t *testing.T) {
	torture, err := Torture()
	if err != nil {
		t.Fatal(err)
	}
	v6, err := IPv6()
	if err != nil {
		t.Fatal(err)
	}
	messages := map[string]*sip.Message{}
	for _, c := range slices.Concat(torture, v6) {
		if m, f := sip.Parse(bytes.Clone(c.Bytes)); f == nil {
			messages[c.Name] = m
		}
	}
	for _, f := range []struct {
		name, what, want string
		read             func(m *sip.Message) string
	}{
		{"wsinv", "To tag", "1918181833n", (*sip.Message).ToTag},
		{"wsinv", "From tag", "98asjd8", (*sip.Message).FromTag},
		{"wsinv", "branches", "390skdjuw z9hG4bK9ikj8 z9hG4bK30239", branches},
		{"wsinv", "Max-Forwards, CSeq", "68 9 INVITE", counts},
		{"wsinv", "From", `J Rosenberg \"`, display},
		{"wsinv", "folded", "newfangled value continued newfangled value", get("NewFangledHeader")},
		{"wsinv", "untouched", ";;,,;;,;", get("UnknownHeaderWithUnusualValue")},
		{"wsinv", "Contact", `"Quoted string \"\"" <sip:jdrosen@example.com> ; newparam = newvalue ; secondparam ; q = 0.33`, get("Contact")},
		{"intmeth", "From tag", "_token~1'+`*%!-.", (*sip.Message).FromTag},
		{"intmeth", "To", "BEL:\a NUL:\x00 DEL:\x7f", toDisplay},
		{"intmeth", "Max-Forwards, CSeq", "255 139122385 !interesting-Method0123456789_*+`.%indeed'~", counts},
		{"esc02", "Contacts", "2", many("Contact")},
		{"escnull", "Contacts", "2", many("Contact")},
		{"longreq", "Vias", "34", many("Via")},
		{"dblreq", "body", "", body},
		{"dblreq", "method", "REGISTER", (*sip.Message).Method},
		{"semiuri", "user", "user;par=u@example.net", user},
		{"esc01", "user", "sips:user@example.com", user},
		{"inv2543", "length added", "105", get("Content-Length")},
		{"inv2543", "Max-Forwards, CSeq", "70 56 INVITE", counts},
		{"noreason", "reason", "", (*sip.Message).Reason},
		{"port-ambiguous", "host, port", "2001:db8::10:5070 0", hostPort},
		{"port-unambiguous", "host, port", "2001:db8::10 5070", hostPort},
		{"via-received-param-with-delim", "received", "[2001:db8::9:255]", received},
		{"via-received-param-no-delim", "received", "2001:db8::9:255", received},
		{"ipv6-bug-abnf-3-colons", "address", "2001:db8::c000:201", address},
		{"ipv6-correct-abnf-2-colons", "address", "2001:db8::c000:201", address},
	} {
		m := messages[f.name]
		if m == nil {
			t.Errorf("%s is not let in", f.name)
			continue
		}
		if got := f.read(m); got != f.want {
			t.Errorf("%s: %s: got %q, want %q", f.name, f.what, got, f.want)
		}
	}
}

func get(name string) func(*sip.Message) string {
	return func(m *sip.Message) string { return m.Get(name) }
}

func many(name string) func(*sip.Message) string {
	return func(m *sip.Message) string { return fmt.Sprint(len(m.Values(name))) }
}

func branches(m *sip.Message) string {
	var all []string
	for _, s := range m.Values("Via") {
		v, _ := sip.ParseVia(s)
		b, _ := v.Param("branch")
		all = append(all, b)
	}
	return strings.Join(all, " ")
}

func counts(m *sip.Message) string {
	n, method := m.CSeq()
	return fmt.Sprint(m.MaxForwards(), " ", n, " ", method)
}

func display(m *sip.Message) string {
	a, _ := sip.ParseNameAddr(m.Get("From"))
	return a.Display
}

func toDisplay(m *sip.Message) string {
	a, _ := sip.ParseNameAddr(m.Get("To"))
	return a.Display
}

func received(m *sip.Message) string {
	v, _ := m.Via()
	r, _ := v.Param("received")
	return r
}

func body(m *sip.Message) string { return string(m.Body()) }

func uri(m *sip.Message) sip.URI {
	u, _ := sip.ParseURI(m.URI())
	return u
}

func user(m *sip.Message) string     { return sip.Unescape(uri(m).User) }
func hostPort(m *sip.Message) string { return fmt.Sprint(uri(m).Host, " ", uri(m).Port) }

func address(m *sip.Message) string {
	a, _ := uri(m).Addr()
	return a.String()
}
