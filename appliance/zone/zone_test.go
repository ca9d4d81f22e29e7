package zone

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestGolden reads a configuration and queries ("source alias" a line) and
// compares zones, rules and hops.
func TestGolden(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no golden files")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { golden(t, file) })
	}
}

func golden(t *testing.T, file string) {
	a, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]*txtar.File{}
	for i := range a.Files {
		parts[a.Files[i].Name] = &a.Files[i]
	}
	role := xapi.Core
	if strings.Contains(file, "edge") {
		role = xapi.Edge
	}
	snap := config.NewSnapshotForTest(role, string(parts["config"].Data))
	got := map[string]string{"zones": zones(PlanFrom(snap)), "hops": hops(PlanFrom(snap), string(parts["queries"].Data))}
	got["check"] = ""
	if err := Check(snap); err != nil {
		got["check"] = err.Error() + "\n"
	}
	for _, name := range []string{"zones", "hops", "check"} {
		text := got[name]
		if parts[name] == nil {
			a.Files = append(a.Files, txtar.File{Name: name})
			parts[name] = &a.Files[len(a.Files)-1]
		}
		if want := string(parts[name].Data); want != text && !*update {
			t.Errorf("%s: got\n%s\nwant\n%s", name, text, want)
		}
		parts[name].Data = []byte(text)
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func zones(p *Plan) string {
	var b strings.Builder
	for _, z := range p.Zones {
		fmt.Fprintf(&b, "%d %q %s sip=%t hops=%d peers=%v port=%d %s verify=%t subject=%q media=%s path=%t trust=%t monitor=%t hide=%t edge=%t\n",
			z.Index, z.Name, z.Type, z.SIP, z.HopCount, z.Peers, z.Port, z.Transport, z.TLSVerify, z.SubjectName,
			z.MediaEncryption, z.Path, z.TrustIdentity, z.Monitor, z.HideIdentifiers, z.Edge)
	}
	return b.String()
}

func hops(p *Plan, queries string) string {
	var b strings.Builder
	for line := range strings.Lines(queries) {
		source, alias, _ := strings.Cut(strings.TrimSpace(line), " ")
		known := !strings.HasPrefix(source, "!") // of an authenticated sender
		source = strings.Trim(source, "!-")
		fmt.Fprintf(&b, "%s\n", strings.TrimSpace(line))
		for _, h := range p.Next(Query{Source: source, Alias: alias, Authenticated: known}) {
			fmt.Fprintf(&b, "\t%s to %s by %s\n", h.URI, h.Zone.Name, h.Rule)
		}
		hops, steps := p.Explain(Query{Source: source, Alias: alias, Authenticated: known})
		if len(p.Transforms) == 0 {
			continue
		}
		for _, s := range steps {
			fmt.Fprintf(&b, "\t%t %s: %s\n", s.Used, s.What, s.Why)
		}
		fmt.Fprintf(&b, "\t%d hops\n", len(hops))
	}
	return b.String()
}

func TestPattern(t *testing.T) {
	for _, c := range []struct{ kind, text, behavior, replace, alias, want string }{
		{"Exact", "Alice@Example.com", "Leave", "", "alice@example.com", "alice@example.com"},
		{"Exact", "alice", "Strip", "", "alice", "alice"},
		{"Exact", "alice", "Replace", "bob", "ALICE", "bob"},
		{"Exact", "alice", "Leave", "", "alice2", ""},
		{"Prefix", "9", "Strip", "", "9123", "123"},
		{"Prefix", "9", "Replace", "0", "9123", "0123"},
		{"Prefix", "9", "Strip", "", "8123", ""},
		{"Suffix", "@example.com", "Strip", "", "bob@EXAMPLE.com", "bob"},
		{"Suffix", "@example.com", "Replace", "@ucm.example.com", "bob@example.com", "bob@ucm.example.com"},
		{"Regex", `(\d{4})@example\.com`, "Replace", `+4930\1@ucm$1`, "1234@example.com", "+49301234@ucm$1"},
		{"Regex", `\d+`, "Leave", "", "a123", ""},
		{"Regex", `.*`, "Strip", "", "x", "x"},
		{"Prefix", "9", "AddPrefix", "0", "9123", "09123"},
		{"Prefix", "9", "AddSuffix", "@h", "9123", "9123@h"},
	} {
		p, err := NewPattern(c.kind, c.text, c.behavior, c.replace)
		if err != nil {
			t.Errorf("%v: %v", c, err)
			continue
		}
		got, _ := p.Apply(c.alias)
		if got != c.want {
			t.Errorf("%v: got %q, want %q", c, got, c.want)
		}
	}
	for _, c := range [][2]string{{"Regex", "("}, {"Prefix", ""}, {"Wild", "x"}} {
		if _, err := NewPattern(c[0], c[1], "Leave", ""); err == nil {
			t.Errorf("NewPattern(%q, %q) did not fail", c[0], c[1])
		}
	}
}

func FuzzPattern(f *testing.F) {
	f.Add("Regex", `(.*)@(.*)`, "Replace", `\2@\1`, "a@b")
	f.Add("Suffix", "@b", "Strip", "", "a@b")
	f.Fuzz(func(t *testing.T, kind, text, behavior, replace, alias string) {
		if p, err := NewPattern(kind, text, behavior, replace); err == nil {
			if out, ok := p.Apply(alias); ok && out == "" && alias != "" {
				t.Errorf("nothing left of %q", alias)
			}
		}
	})
}

// A rule for any alias takes nobody to an address, also not with a user.
func TestAddressIsNoAlias(t *testing.T) {
	for alias, want := range map[string]bool{
		"bob@example.com": false, "bob": false, "10.0.0.9": true, "bob@10.0.0.9": true,
		"bob@10.0.0.9:5070": true, "bob@[2001:db8::9]": true, "2001:db8::9": true,
	} {
		if got := isAddress(alias); got != want {
			t.Errorf("%s is an address: %v", alias, got)
		}
	}
}
