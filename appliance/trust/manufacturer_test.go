package trust

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"
)

// TestVerifyDevice: a manufacturer's word counts for devices, while it is
// trusted and their certificates hold; an authority of the node's own counts for
// none.
func TestVerifyDevice(t *testing.T) {
	now := time.Now()
	tr, err := Open(t.TempDir(), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	maker, _ := NewCA("Maker", nil)
	other, _ := NewCA("Other", nil)
	if err := tr.InstallCA(other.PEM()); err != nil {
		t.Fatal(err)
	}
	if err := tr.InstallManufacturer(maker.PEM()); err != nil {
		t.Fatal(err)
	}
	chain := func(ca *CA, o IssueOptions) []*x509.Certificate {
		t.Helper()
		o.CommonName = "CP-8845-SEP001122334455"
		pem, _, err := ca.Issue(o)
		if err != nil {
			t.Fatal(err)
		}
		certs, err := parseCertificates(pem)
		if err != nil {
			t.Fatal(err)
		}
		return certs
	}
	good := chain(maker, IssueOptions{Client: true})
	if d, err := tr.VerifyDevice(good); err != nil || d.Name != "CP-8845-SEP001122334455" || d.Print != Fingerprint(good[0]) || d.Issuer != "Maker" {
		t.Errorf("%+v, %v", d, err)
	}
	for name, shown := range map[string][]*x509.Certificate{
		"nothing":        nil,
		"another's":      chain(other, IssueOptions{Client: true}),
		"over":           chain(maker, IssueOptions{Client: true, NotAfter: now.Add(-time.Minute)}),
		"a server's":     chain(maker, IssueOptions{Server: true}),
		"the authority":  {maker.Certificate()},
		"beyond measure": append(good, make([]*x509.Certificate, maxChain)...),
	} {
		if d, err := tr.VerifyDevice(shown); err == nil {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if err := tr.InstallManufacturer([]byte("no PEM")); err == nil || len(tr.Manufacturers()) != 1 {
		t.Errorf("%v, %d manufacturers", err, len(tr.Manufacturers()))
	}
	leaf := encodeCertificate(good[0].Raw)
	if err := tr.InstallManufacturer(append(other.PEM(), leaf...)); err == nil || len(tr.Manufacturers()) != 1 {
		t.Errorf("a device's certificate as an authority: %v, %d manufacturers", err, len(tr.Manufacturers()))
	}
	again, err := Open(tr.dir, tr.clock)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.VerifyDevice(good); err != nil {
		t.Error("after a restart: ", err)
	}
	if err := tr.RemoveManufacturer(Fingerprint(maker.Certificate())); err != nil {
		t.Fatal(err)
	}
	if _, err := tr.VerifyDevice(good); !errors.Is(err, ErrNoDevice) {
		t.Errorf("of a manufacturer that was removed: %v", err)
	}
	if tr.RemoveManufacturer(Fingerprint(maker.Certificate())) == nil {
		t.Error("removed twice")
	}
}
