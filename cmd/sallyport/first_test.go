package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/appliance"
	"sallyport/appliance/xapi"
)

func TestFirstBootLines(t *testing.T) {
	path := filepath.Join(t.TempDir(), "first.txt")
	os.WriteFile(path, []byte(`# a box in the DMZ
xConfiguration Ethernet 1 IP V4 Address: 192.0.2.1
xConfiguration Administration SSH AuthorizedKey 1 Key: "ssh-ed25519 AAAA admin"
xConfiguration Authentication Account Admin Account 1 Password: "$argon2id$v=19$m=1,t=1,p=1$c2FsdA$c3Vt"
xConfiguration Authentication Account Admin Account 1 Password: hunter2
xCommand Boot
xConfiguration Firewall Rule 1 Action: Drop
xConfiguration No Such Row: 1
xConfiguration SystemUnit Name
`), 0o600)
	kept, err := firstBootLines(path, xapi.Edge)
	if n := strings.Count(kept, "\n"); n != 3 || strings.Contains(kept, "hunter2") {
		t.Errorf("%d lines kept:\n%s", n, kept)
	}
	if err == nil || strings.Count(err.Error(), "\n") != 4 {
		t.Errorf("what was refused: %v", err)
	}
	if kept, err := firstBootLines(path+"none", xapi.Edge); kept != "" || err != nil {
		t.Error(kept, err)
	}
}

// TestSlipsAreLeftOut has a file with a value that no row takes: the others
// count all the same.
func TestSlipsAreLeftOut(t *testing.T) {
	cfg := appliance.Config{Role: xapi.Edge, Dir: t.TempDir(), Name: "edge", First: strings.Join([]string{
		"xConfiguration SIP TLS Port: 0", `xConfiguration SystemUnit Name: "gate"`, "xConfiguration SIP TCP Port: 99999", `xConfiguration IP DNS Hostname: "gate"`,
	}, "\n")}
	n, err := newNode(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if snap := n.Store().Snapshot(); snap.Str(xapi.SystemUnitName) != "gate" || snap.Str(xapi.IPDNSHostname) != "gate" {
		t.Error("a slip took the other lines with it")
	}
	if without("a\nb", 3) != "" || without("a\nb\n", 1) != "b\n" {
		t.Error("the wrong line was taken out")
	}
}
