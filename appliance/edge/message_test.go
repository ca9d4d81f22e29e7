package edge

import (
	"crypto/rand"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"sallyport/appliance/call"
	"sallyport/appliance/config"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/room"
)

var update = flag.Bool("update", false, "rewrite golden files")

// edits are what golden files may ask for: the file's comment names one of
// them; in is the message before, out what the edit makes of it.
var edits = map[string]func(*sip.Message){
	"outward": func(m *sip.Message) {
		face{host: "edge.example.com", port: 5061, transport: "tls"}.outward(m)
	},
	"outward-ipv6": func(m *sip.Message) {
		face{host: "2001:db8::1", port: 5060, transport: "tcp"}.outward(m)
	},
	"strip":    func(m *sip.Message) { call.Strip(m, "alice@example.com", "<sip:line7@10.0.0.20>") },
	"auth-int": withoutAuthInt,
	"undescribed": func(m *sip.Message) {
		undescribed(m, 0, 0)
	},
}

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
	name, _, _ := strings.Cut(string(a.Comment), "\n")
	edit := edits[name]
	if edit == nil || len(a.Files) == 0 {
		t.Fatalf("%s: first line must name an edit", file)
	}
	m := parse(t, string(a.Files[0].Data))
	edit(m)
	got := strings.ReplaceAll(string(m.Bytes()), "\r\n", "\n")
	if !strings.HasSuffix(got, "\n") {
		got += "\n"
	}
	if *update {
		a.Files = append(a.Files[:1], txtar.File{Name: "out", Data: []byte(got)})
		if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if len(a.Files) < 2 || string(a.Files[1].Data) != got {
		t.Errorf("got\n%s", got)
	}
}

// parse reads a message that came from a phone.
func parse(t testing.TB, text string) *sip.Message {
	t.Helper()
	return room.Message(t, "SIP/2.0/TLS 192.0.2.9;branch=z9hG4bK1", text)
}

func invite(t testing.TB, fields ...string) *sip.Message {
	t.Helper()
	return parse(t, "INVITE sip:bob@example.com SIP/2.0\n"+strings.Join(fields, "\n"))
}

func keyring() *trust.Keyring { return trust.NewKeyring(rand.Reader) }

// planned is an edge with a plan and nothing running.
func planned(lines ...string) *Edge {
	e := &Edge{tokens: tokens{keys: keyring()}}
	e.plan.Store(PlanFrom(config.NewSnapshotForTest(xapi.Edge, lines...)))
	return e
}
