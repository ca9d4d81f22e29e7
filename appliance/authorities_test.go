package appliance

import (
	"strings"
	"testing"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// TestAuthorities: an administrator adds authorities, sees them, and takes one
// away again, by its fingerprint alone.
func TestAuthorities(t *testing.T) {
	n := node(t, xapi.Core)
	shell := func(line string) (string, int) {
		t.Helper()
		var out strings.Builder
		c := n.Console("test")
		defer c.Close()
		return out.String(), c.Exec(t.Context(), line, &out)
	}
	var prints []string
	for _, name := range []string{"One", "Two"} {
		ca, err := trust.NewCA(name, nil)
		if err != nil {
			t.Fatal(err)
		}
		write(t, n, name+".pem", string(ca.PEM()))
		if out, exit := shell("xCommand CACertificateInstall File: " + name + ".pem"); exit != 0 {
			t.Fatal(out)
		}
		prints = append(prints, trust.Fingerprint(ca.Certificate()))
	}
	if _, exit := shell("xCommand CACertificateDelete Fingerprint: " + strings.Repeat("0", 64)); exit == 0 || len(n.trust.CAs()) != 2 {
		t.Error("an authority that nobody has is removed")
	}
	if out, exit := shell("xCommand CACertificateDelete Fingerprint: " + strings.ToUpper(prints[0])); exit != 0 {
		t.Error(out)
	}
	status, err := n.Status(t.Context(), "Trust")
	if err != nil {
		t.Fatal(err)
	}
	seen := ""
	status.Walk(func(_ string, leaf *xapi.Node) { seen += leaf.Value + " " })
	if !strings.Contains(seen, "CN=Two") || strings.Contains(seen, "CN=One") || !strings.Contains(seen, prints[1]) {
		t.Errorf("left: %s", seen)
	}
}
