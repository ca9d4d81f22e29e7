package appliance

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sallyport/appliance/alarm"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// machine is a host that takes every update for good.
type machine struct{ got string }

func (m *machine) Upgrade(_ context.Context, r io.Reader, progress func(done, all int64)) (string, error) {
	progress(0, 2)
	b, err := io.ReadAll(r)
	progress(2, 2)
	m.got = string(b)
	return "v2", err
}
func (*machine) Reboot() error     { return nil }
func (*machine) Reset(int) error   { return nil }
func (*machine) Status(*xapi.Node) {}
func (*machine) Look(*alarm.Book)  {}

// TestUpgradeOverHTTPS fetches an update from servers good and bad.
func TestUpgradeOverHTTPS(t *testing.T) {
	ca, err := trust.NewCA("test", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := node(t, xapi.Edge)
	box := &machine{}
	n.cfg.Host = box
	write(t, n, "ca.pem", string(ca.PEM()))
	exec(t, n, `xCommand CACertificateInstall File: "ca.pem"`)

	good := secure(t, ca, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/up.update":
			io.WriteString(w, "an update")
		case "/moved":
			http.Redirect(w, r, "/up.update", http.StatusFound)
		case "/down":
			http.Redirect(w, r, "http://127.0.0.1/up.update", http.StatusFound)
		default:
			http.NotFound(w, r)
		}
	}))
	stranger := httptest.NewTLSServer(http.NotFoundHandler())
	defer stranger.Close()

	for _, path := range []string{"/up.update", "/moved"} {
		box.got = ""
		got := text(t, n, `xCommand SystemUpgrade URL: "`+good+path+`"`)
		if box.got != "an update" || !strings.Contains(got, "100 %") || !strings.Contains(got, `Version: "v2"`) {
			t.Errorf("%s: the box got %q\n%s", path, box.got, got)
		}
	}
	for link, want := range map[string]string{
		good + "/none":                 "404",
		good + "/down":                 "where we do not go",
		stranger.URL:                   "certificate",
		"http://127.0.0.1/up":          "https://",
		"https://":                     "https://",
		`file.update" File: "x.update`: "not both",
	} {
		box.got = ""
		if got := text(t, n, `xCommand SystemUpgrade URL: "`+link+`"`); !strings.Contains(got, want) || box.got != "" {
			t.Errorf("%s: %s", link, got)
		}
	}
	if got := text(t, n, `xCommand SystemUpgrade File: "none.update"`); !strings.Contains(got, "not in the sftp folder") {
		t.Error(got)
	}
}

// secure serves with a certificate of the authority.
func secure(t *testing.T, ca *trust.CA, h http.Handler) string {
	t.Helper()
	cert, key, err := ca.Issue(trust.IssueOptions{Names: []string{"updates.example.com"}, IPs: []string{"127.0.0.1"}, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(h)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL
}
