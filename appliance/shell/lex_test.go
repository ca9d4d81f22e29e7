package shell

import (
	"fmt"
	"strings"
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func TestLex(t *testing.T) {
	tests := []struct{ line, want string }{
		{``, ``},
		{`a b`, `a|b`},
		{"  a\tb  ", `a|b`},
		{`Name: "a b"`, `Name:|"a b"`},
		{`Name:"a b"Type:x`, `Name:|"a b"|Type:x`},
		{`"(.*)@example\.com"`, `"(.*)@example\.com"`},
		{`"a\"b"`, `"a"b"`},
		{`"a\\"`, `"a\"`},
		{`ab"c`, `ab"c`},
		{`""`, `""`},
	}
	for _, test := range tests {
		words, err := lex(test.line)
		if err != nil {
			t.Errorf("%s: %v", test.line, err)
		}
		var got []string
		for _, w := range words {
			if w.quoted {
				w.text = `"` + w.text + `"`
			}
			got = append(got, w.text)
		}
		if s := strings.Join(got, "|"); s != test.want {
			t.Errorf("%s: got %s, want %s", test.line, s, test.want)
		}
	}
	for _, bad := range []string{`"a`, "a\x1b[2J", "a\nb", "a\x00", "\xff", strings.Repeat("a", maxLine+1)} {
		if _, err := lex(bad); err == nil {
			t.Errorf("%.20q was taken", bad)
		}
	}
}

// FuzzLine runs any line; what xConfiguration prints afterwards must be taken
// back as it stands, and change nothing.
func FuzzLine(f *testing.F) {
	for _, line := range []string{
		`xConfiguration SystemUnit Name: "a\"b\\"`, `xConfiguration SIP TLS Port:5061 Mode "On"`,
		`xConfiguration Zones Zone 1 Name: x Type: Neighbor Neighbor Peer 1 Address: ::1`,
		`xConfiguration SIP TLS Port : 5`, `xConfiguration //port ?`, `xConfiguration ??`, `xStatus Zones ?`,
		`xCommand DomainAdd Name: a.b Sip: On`, `xCommand Domain Add ?`, `xgetxml //*[1]/Zone[@item="2"]`,
		`history 3`, `diff 0 9`, `rollback 0`, `export a`, `import -dry a`, `why user x`, `trace x 1s`,
		`xFeedback register /Status/Calls`, `*c xConfiguration Zones Zone 1 Name: ""`, `xConfiguration SIP TLS Port::`, `?`,
	} {
		f.Add(line)
	}
	n := newNode(f, xapi.Core)
	n.folder, n.quick = "", true
	s := n.session(f)
	f.Fuzz(func(t *testing.T, line string) {
		var out strings.Builder
		exit := s.Exec(t.Context(), line, &out)
		if strings.ContainsFunc(out.String(), func(r rune) bool { return r != '\n' && unprintable(r) }) {
			t.Fatalf("%q printed something that cannot be shown: %q", line, out.String())
		}
		if ends := strings.HasSuffix(out.String(), okLine); exit == Done && !ends && out.Len() > 0 || exit != Done && !strings.HasSuffix(out.String(), errorLine) {
			t.Fatalf("%q: exit %d, but the answer ends otherwise:\n%s", line, exit, out.String())
		}
		pasteBack(t, n, s)
		s.Mask(line)
		s.complete(line)
	})
}

func pasteBack(t *testing.T, n *node, s *Session) {
	var out strings.Builder
	if s.Exec(t.Context(), "xConfiguration Zones", &out); strings.Contains(out.String(), errorLine) {
		t.Fatal("reading failed:", out.String())
	}
	before := fmt.Sprint(n.store.Snapshot().Values())
	for line := range strings.Lines(out.String()) {
		var b strings.Builder
		if exit := s.Exec(t.Context(), strings.TrimSuffix(line, "\n"), &b); exit != Done {
			t.Fatalf("%s is printed, but not taken back: %s", line, b.String())
		}
	}
	for _, v := range n.store.Snapshot().Values() {
		if !strings.Contains(before, fmt.Sprint(v)) && v.Text != v.Place.Item.Default {
			t.Fatalf("pasting back set %v", v)
		}
	}
}

// FuzzValue sets any value and reads it back through what is printed.
func FuzzValue(f *testing.F) {
	for _, v := range []string{``, `a`, `a"b`, `\`, `a\`, `a\"`, `\\"`, `"`, `""`, `a: b`, `?`, `//x`, `!`, `-force`, ` a `, `*c`, "ü"} {
		f.Add(v)
	}
	store := newNode(f, xapi.Core)
	s := store.session(f)
	f.Fuzz(func(t *testing.T, value string) {
		if _, err := xapi.SystemUnitName.Parse(value); err != nil || strings.ContainsFunc(value, unprintable) {
			return
		}
		var out strings.Builder
		if exit := s.Exec(t.Context(), "xConfiguration SystemUnit Name: "+xapi.Quote(value), &out); exit != Done {
			t.Fatalf("%q was not taken: %s", value, out.String())
		}
		if got := store.store.Snapshot().Str(xapi.SystemUnitName); got != value {
			t.Fatalf("got %q, want %q", got, value)
		}
		out.Reset()
		s.Exec(t.Context(), "xConfiguration SystemUnit Name", &out)
		line, _, _ := strings.Cut(out.String(), "\n")
		store.store.Edit(config.Who{}, func(e *config.Edit) error { return e.Unset("SystemUnit Name") })
		if exit := s.Exec(t.Context(), line, &out); exit != Done || store.store.Snapshot().Str(xapi.SystemUnitName) != value {
			t.Fatalf("%s does not give %q back", line, value)
		}
	})
}

func TestMask(t *testing.T) {
	s := newNode(t, xapi.Edge).session(t)
	tests := []struct{ line, want string }{
		{`xConfiguration SIP TLS Port: 5061`, `xConfiguration SIP TLS Port: 5061`},
		{`xConfiguration Authentication Account Admin Account 1 Password: "hush hush"`, `xConfiguration Authentication Account Admin Account 1 Password: "***"`},
		{`xconf auth acc adm acc 1 pass:hush`, `xconf auth acc adm acc 1 pass:"***"`},
		{`xConfiguration Authentication Account Admin Account 1 Name: bob Password hush Enabled: On`, `xConfiguration Authentication Account Admin Account 1 Name: bob Password "***" Enabled: On`},
		{`xConfiguration Authentication Account Admin Account 1 Password: "hush`, `xConfiguration Authentication Account Admin Account 1 Password "***"`},
		{`xConfiguration Authentication Nonsense Password: hush`, `xConfiguration Authentication Nonsense Password "***"`},
		{`xCommand AdminAccountAdd Name: bob Password: hush`, `xCommand AdminAccountAdd Name: bob Password: "***"`},
		{`xCommand AdminAccountAdd bob hush`, `xCommand AdminAccountAdd bob "***"`},
		{`xcom admin account add bob "hush" On`, `xcom admin account add bob "***" On`},
		{`xCommand AdminAccountAdd bob Enabled: On hush`, `xCommand AdminAccountAdd bob Enabled: On "***"`},
		{`xCommand AdminAccountAdd pas:hush nam:bob`, `xCommand AdminAccountAdd pas:"***" nam:bob`},
		{`xComand AdminAccountAdd bob hush`, `xComand AdminAccountAdd bob "***"`},
		{`xCommand DomainAdd example.com`, `xCommand DomainAdd example.com`},
	}
	for _, test := range tests {
		if got := s.Mask(test.line); got != test.want {
			t.Errorf("%s\n got %s\nwant %s", test.line, got, test.want)
		}
	}
}
