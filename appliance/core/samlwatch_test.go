package core

import (
	"strings"
	"testing"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/trust"
)

// TestIdPEnds: the last of an identity provider's certificates counts.
func TestIdPEnds(t *testing.T) {
	now := time.Now()
	ca, err := trust.NewCA("IdP", nil)
	if err != nil {
		t.Fatal(err)
	}
	until := func(d time.Duration) []byte {
		t.Helper()
		tr, err := trust.Open(t.TempDir(), nil)
		if err != nil {
			t.Fatal(err)
		}
		cert, key, err := ca.Issue(trust.IssueOptions{CommonName: "idp", NotBefore: now.AddDate(-1, 0, 0), NotAfter: now.Add(d)})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.InstallServer(cert, key); err != nil {
			t.Fatal(err)
		}
		return tr.Certificate().Raw
	}
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		certs [][]byte
		want  string
	}{
		"good":            {[][]byte{until(90 * day)}, ""},
		"soon":            {[][]byte{until(20 * day)}, "ends on"},
		"over":            {[][]byte{until(-day)}, "ended on"},
		"one follows":     {[][]byte{until(5 * day), until(400 * day)}, ""},
		"none is a cert.": {[][]byte{[]byte("x")}, ""},
	} {
		got := idpEnds(auth.IdP{Name: "Company", Certificates: c.certs}, now)
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}
