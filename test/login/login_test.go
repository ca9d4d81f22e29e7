package login

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
	"sallyport/test/room"
)

// place is the part of loopback that the pairs of these tests live in.
var place string

func TestMain(m *testing.M) { pair.Main(m, &place) }

// stage is a pair with sign-in in force and no limit to it.
func stage(t *testing.T, open func(context.Context, *pair.Pair) (*Stage, error), lines ...string) *Stage {
	t.Helper()
	return stageOf(t, pair.Config{}, open, lines...)
}

func stageOf(t *testing.T, cfg pair.Config, open func(context.Context, *pair.Pair) (*Stage, error), lines ...string) *Stage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	log := &room.LogBook{}
	cfg.Net, cfg.LogOut = place, log
	p, err := pair.New(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Close()
		if t.Failed() {
			t.Log(log)
		}
		for _, word := range slices.Collect(secrets()) {
			if strings.Contains(log.String(), word) {
				t.Errorf("the log holds %q", word)
			}
		}
	})
	s, err := open(ctx, p)
	if err == nil {
		err = deploy.Type(ctx, p.Core, append(lines, "xConfiguration EdgeConfigServer RateLimitLogins: 0")...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func secrets() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, password := range lab.Users() {
			if !yield(password) {
				return
			}
		}
	}
}

func TestSignIn(t *testing.T) {
	s := stage(t, Open)
	for _, a := range s.Attempts() {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		if err := a.Do(ctx); err != nil {
			t.Errorf("%s: %v", a.Says, err)
		}
		cancel()
	}
}

// TestPlainDomainGoesOn: users of another deployment without call control
// nodes need no login.
func TestPlainDomainGoesOn(t *testing.T) {
	s := stage(t, Open)
	b, err := s.Pair.Browser()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	page, err := b.Get(t.Context(), s.Pair.World.Web.URL("http", "/page/welcome"))
	if err != nil || page.Status != http.StatusOK {
		t.Errorf("%+v, %v", page, err)
	}
	if _, page, err := b.SignIn(t.Context(), lab.Basic("alice", "x")); err != nil || page.Status != http.StatusNotFound {
		t.Errorf("%+v, %v", page, err)
	}
}

// TestAnswer reads the whole edge configuration and its cookie.
func TestAnswer(t *testing.T) {
	s := stage(t, Open)
	c, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	config, page, err := c.SignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home := s.Pair.World.Home
	if srv := config.Service("_cisco-uds"); len(srv.Servers) != 2 || srv.Servers[0].Port != 8443 || srv.Servers[0].Address != home.Publisher().Host {
		t.Errorf("_cisco-uds: %+v", srv)
	}
	if srv := config.Service("_cuplogin"); srv.Error != "NameError" {
		t.Errorf("_cuplogin: %+v", srv)
	}
	if srv := config.Service("_cisco-phone-tftp"); len(srv.Servers) != 2 || srv.Servers[0].Port != 6970 {
		t.Errorf("_cisco-phone-tftp: %+v", srv)
	}
	if srv := config.Service("tftpServer"); !slices.Equal(srv.Addresses, []string{home.Publisher().Host, home.Subscriber().Host}) {
		t.Errorf("tftpServer: %+v", srv)
	}
	at := func(port int) []lab.EdgeServer { return []lab.EdgeServer{{Address: pair.EdgeName, TLSPort: port}} }
	if !slices.Equal(config.SIP, at(5061)) || !slices.Equal(config.HTTP, at(8443)) || config.XMPP != nil || config.TURN != nil {
		t.Errorf("servers of edge: %+v", config)
	}
	if !strings.HasPrefix(config.Route, "<sip:e") || !strings.HasSuffix(config.Route, "@"+pair.EdgeName+":5061;transport=tls;lr>") {
		t.Errorf("route: %s", config.Route)
	}
	if got := page.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/xml") {
		t.Errorf("type %s", got)
	}
	cookie := page.Header.Get("Set-Cookie")
	for _, part := range []string{"X-Auth=", "; Expires=", "; Domain=.example.com", "; Path=/", "; Secure", "; HttpOnly"} {
		if !strings.Contains(cookie, part) {
			t.Errorf("cookie %s lacks %s", cookie, part)
		}
	}
	if err := deploy.Type(t.Context(), s.Pair.Core, "xConfiguration MRACookieConfig Expiry: Disabled", "xConfiguration MRACookieConfig Httponly: Disabled"); err != nil {
		t.Fatal(err)
	}
	if _, page, err = c.SignIn(t.Context()); err != nil || strings.Contains(page.Header.Get("Set-Cookie"), "Expires") || strings.Contains(page.Header.Get("Set-Cookie"), "HttpOnly") {
		t.Errorf("cookie %s, %v", page.Header.Get("Set-Cookie"), err)
	}
}
