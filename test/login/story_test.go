package login

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/xapi"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// TestLoginLimit: a user's credentials are good for a number of logins from one
// place; others are not touched, and the setting is live.
func TestLoginLimit(t *testing.T) {
	s := stage(t, Open)
	core := func(line string) {
		t.Helper()
		if err := deploy.Type(t.Context(), s.Pair.Core, line); err != nil {
			t.Fatal(err)
		}
	}
	try := func(user, password string, want int) *lab.Page {
		t.Helper()
		c, err := s.Client(user, password)
		if err != nil {
			t.Fatal(err)
		}
		_, page, err := c.Browser.SignIn(t.Context(), c.Credentials)
		if err != nil || page.Status != want {
			t.Fatalf("%s: %+v, %v; want %d", user, page, err, want)
		}
		return page
	}
	core("xConfiguration EdgeConfigServer RateLimitLogins: 2")
	try("alice", "wrong", 401)
	try("alice", lab.Users()["alice"], 200)
	before := len(s.Pair.World.UDS.Seen())
	if page := try("ALICE", lab.Users()["alice"], 429); page.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", page.Header)
	}
	try("alice", "wrong", 429)
	if after := len(s.Pair.World.UDS.Seen()); after != before {
		t.Errorf("call control was asked %d times for a login above the limit", after-before)
	}
	try("bob", lab.Users()["bob"], 200)
	core("xConfiguration EdgeConfigServer RateLimitLogins: 0")
	try("alice", lab.Users()["alice"], 200)
	status, err := s.Pair.Core.Status(t.Context(), "EdgeConfigProvisioning")
	if err != nil || leaf(status, "Refused RateLimit") != "2" || leaf(status, "Sessions Total") != "3" {
		t.Errorf("status: %+v, %v", status, err)
	}
}

// TestLoginEnds: a login ends by the clock, as soon as a shorter life is
// configured.
func TestLoginEnds(t *testing.T) {
	s := stage(t, Open)
	c, err := s.signedIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	inside := s.uds(s.Pair.World.Home, "/cucm-uds/user/alice")
	if err := s.gets(t.Context(), c, inside, 200); err != nil {
		t.Fatal(err)
	}
	if err := deploy.Type(t.Context(), s.Pair.Core, "xConfiguration EdgeConfigServer CredentialTtl: 1"); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return s.gets(t.Context(), c, inside, 401) })
	if err := deploy.Type(t.Context(), s.Pair.Core, "xConfiguration EdgeConfigServer CredentialTtl: 600"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.SignIn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.gets(t.Context(), c, inside, 200); err != nil {
		t.Error(err)
	}
}

// TestNodeDown: a node that does not answer is left out of what clients are
// told, and comes back by itself.
func TestNodeDown(t *testing.T) {
	s := stage(t, Open)
	home := s.Pair.World.Home
	first := s.Pair.World.Host(home.Publisher().Addr)
	named := func() string {
		c, err := s.User("alice")
		if err != nil {
			t.Fatal(err)
		}
		config, _, err := c.SignIn(t.Context())
		if err != nil {
			return err.Error()
		}
		var out []string
		for _, u := range config.UDS {
			out = append(out, u.Address)
		}
		return strings.Join(append(out, config.Service("tftpServer").Addresses...), " ")
	}
	expect := func(when string, want ...string) {
		t.Helper()
		if got := named(); got != strings.Join(want, " ") {
			t.Errorf("%s: %s, want %v", when, got, want)
		}
	}
	one, two := home.Publisher().Host, home.Subscriber().Host
	expect("both up", one, two, one, two)
	first.Stop()
	expect("first down", two, two)
	if err := first.Resume(); err != nil {
		t.Fatal(err)
	}
	c, err := s.signedIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.gets(t.Context(), c, s.uds(home, "/cucm-uds/user/alice"), 200); err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(named()); !slices.Contains(got, one) {
		t.Errorf("first back: %v", got)
	}
	first.SetFault(lab.Fault{Status: 503})
	expect("first overloaded", two, one, one, two)
	s.Pair.World.Host(home.Subscriber().Addr).SetFault(lab.Fault{Status: 503})
	if got := named(); !strings.HasPrefix(got, "status 502") {
		t.Errorf("all overloaded: %s", got)
	}
}

// TestForeignHost: what edge answers in its own name it answers to nobody who
// uses another.
func TestForeignHost(t *testing.T) {
	s := stage(t, Open)
	c, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	lane := strings.TrimPrefix(c.LaneURL("get_edge_config"), "https://"+pair.EdgeName+":8443")
	for host, want := range map[string]int{
		pair.EdgeName: 200, pair.EdgeName + ":8443": 200, "EDGE.example.com.": 200, "edge.example.org": 421, "example.com": 421, "co.uk": 421, s.Pair.Outer.String(): 200,
	} {
		raw := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: %s\r\nConnection: close\r\n\r\n", lane, host, c.Credentials.Get("Authorization"))
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		page, err := c.Raw(ctx, []byte(raw))
		cancel()
		if err != nil || page.Status != want {
			t.Errorf("%s: %+v, %v; want %d", host, page, err, want)
			continue
		}
		cookie := page.Header.Get("Set-Cookie")
		if host == s.Pair.Outer.String() == strings.Contains(cookie, "Domain") && want == 200 {
			t.Errorf("%s: cookie %s", host, cookie)
		}
	}
}

// TestLoginOutlivesCore: core comes back and knows its logins.
func TestLoginOutlivesCore(t *testing.T) {
	s := stage(t, Open)
	c, err := s.signedIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Pair.Stop("core"); err != nil {
		t.Fatal(err)
	}
	if err := s.Pair.Start("core"); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	if err := s.Pair.AwaitLink(ctx); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return s.gets(t.Context(), c, s.uds(s.Pair.World.Home, "/cucm-uds/user/alice"), 200) })
}

// TestChatNeedsLogin: where users must sign in, chat is for those who have.
func TestChatNeedsLogin(t *testing.T) {
	s := stage(t, OpenDefault)
	chat := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		c, err := s.Pair.Chat(ctx, "alice")
		if err == nil {
			c.Close()
		}
		return err
	}
	if err := chat(); err == nil {
		t.Error("alice chats without a login")
	}
	c, err := s.signedIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := chat(); err != nil {
		t.Errorf("alice does not chat: %v", err)
	}
	config, _, err := c.SignIn(t.Context())
	if err != nil || len(config.XMPP) != 1 || config.XMPP[0].TLSPort != 5222 {
		t.Errorf("%+v, %v", config, err)
	}
}

// TestRouteOfTheAnswer: REGISTER may begin with the route that a client was
// told, and not with a changed one.
func TestRouteOfTheAnswer(t *testing.T) {
	s := stage(t, OpenDefault)
	c, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	config, _, err := c.SignIn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	tls, err := lab.ClientTLS(s.Pair.CA, pair.EdgeName, nil)
	if err != nil {
		t.Fatal(err)
	}
	for route, want := range map[string]int{config.Route: 401, "<sip:10.0.0.9;lr>": 403, config.Route + ", <sip:10.0.0.9;lr>": 403} {
		x, err := lab.NewStranger(t.Context(), netip.AddrPortFrom(s.Pair.Outer, 5061), tls, s.Pair.Client(77))
		if err != nil {
			t.Fatal(err)
		}
		m := x.Forge("REGISTER", "sip:"+pair.Domain, "sip:alice@"+pair.Domain, "sip:alice@"+pair.Domain)
		m.Add("Route", route)
		m.Add("Contact", "<sip:alice@"+x.Local().String()+";transport=tls>")
		if err := x.Send(m.Bytes()); err != nil {
			t.Fatal(err)
		}
		answer, err := x.Final(20 * time.Second)
		if err != nil || answer.Status() != want {
			t.Errorf("%s: %v, %v; want %d", route, answer, err, want)
		}
		x.Close()
	}
}

func leaf(t *xapi.Node, path string) (value string) {
	t.Walk(func(at string, n *xapi.Node) {
		if strings.HasSuffix(at, path) {
			value = n.Value
		}
	})
	return value
}

// await asks until there is no error.
func await(t *testing.T, ask func() error) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		err := ask()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond) // real sockets: nothing tells
	}
}

// TestPhoneOfALogin: where core checks passwords of phones, a login brings the
// user's along, and still does when core comes back.
func TestPhoneOfALogin(t *testing.T) {
	trusting := func(w *lab.WorldConfig) {
		w.Registrar = func(r *lab.RegistrarConfig) { r.Open = true }
	}
	const delegated = "xConfiguration SIP Domain 1 Authentication: Delegated"
	s := stageOf(t, pair.Config{World: trusting, Edge: []string{delegated}, Core: []string{delegated}}, OpenDefault)
	phone := func() error {
		p, err := s.Pair.Phone("alice", 440)
		if err != nil {
			return err
		}
		defer p.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
		defer cancel()
		if err := p.Start(ctx); err != nil {
			return err
		}
		return p.Register(ctx)
	}
	if err := phone(); err == nil {
		t.Error("alice's phone registers before she signs in")
	}
	c, err := s.signedIn(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	if err := phone(); err != nil {
		t.Errorf("alice's phone does not register: %v", err)
	}
	if err := errors.Join(s.Pair.Stop("core"), s.Pair.Start("core")); err != nil {
		t.Fatal(err)
	}
	await(t, func() error { return s.gets(t.Context(), c, s.uds(s.Pair.World.Home, "/cucm-uds/user/alice"), 200) })
	await(t, phone)
}

func hasLeaf(t *xapi.Node, path, value string) (found bool) {
	t.Walk(func(at string, n *xapi.Node) { found = found || strings.HasSuffix(at, path) && n.Value == value })
	return found
}
