package login

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/pair"
)

// vouched is a stage with keys and an identity provider, and a client that has
// no credentials yet.
func vouched(t *testing.T) (*Stage, *SSO, *Client) {
	t.Helper()
	s := stage(t, Open)
	if err := s.Keys(t.Context()); err != nil {
		t.Fatal(err)
	}
	sso, err := s.OpenSSO(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Client("", "")
	if err != nil {
		t.Fatal(err)
	}
	return s, sso, c
}

// TestSSO: a user signs in at the identity provider, the home cluster gives a
// code for it, and what that is good for signs in at edge.
func TestSSO(t *testing.T) {
	s, sso, c := vouched(t)
	ctx := t.Context()
	at, err := sso.Vouched(ctx, c, "code", "alice")
	if err != nil {
		t.Fatal(err)
	}
	if got := at.Query(); at.Path != mustPath(t, c.LaneURL("oauthcb")) || got.Get("state") != "7" || got.Get("code") == "" {
		t.Fatalf("ends at %s", at)
	}
	if page, err := c.Fetch(ctx, http.MethodGet, at.String(), nil, nil); err != nil || page.Status != 200 || !strings.Contains(string(page.Body), "signed in") {
		t.Errorf("landing page: %+v %v", page, err)
	}
	tokens, err := c.Exchange(ctx, Code(at))
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = Bearer(tokens.Access)
	if _, _, err := c.SignIn(ctx); err != nil {
		t.Fatal("sign in: ", err)
	}
	if page, err := c.Post(ctx, c.LaneURL("access_token"), Code(at)); err != nil || page.Status != 400 {
		t.Errorf("a code used twice: %+v %v", page, err)
	}
	if _, err := c.Exchange(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {tokens.Refresh}}); err != nil {
		t.Error("refresh: ", err)
	}

	// A token that is not self-describing, of which only core knows the owner.
	at, err = sso.Vouched(ctx, c, "token", "bob")
	if err != nil {
		t.Fatal(err)
	}
	given, _ := url.ParseQuery(at.Fragment)
	bob, err := s.Client("", "")
	if err != nil {
		t.Fatal(err)
	}
	bob.Credentials = Bearer(given.Get("access_token"))
	if !strings.HasPrefix(at.Fragment, "access_token=") || given.Get("expires_in") != "3600" {
		t.Errorf("fragment %s", at.Fragment)
	}
	if _, _, err := bob.SignIn(ctx); err != nil {
		t.Error("sign in by an opaque token: ", err)
	}
	if err := deploy.Type(ctx, s.Pair.Core, "xCommand EdgeSSODeleteTokens Username: bob"); err != nil {
		t.Fatal(err)
	}
	again, _ := s.Client("", "")
	again.Credentials = bob.Credentials
	if _, page, _ := again.SignIn(ctx); page == nil || page.Status != 401 {
		t.Errorf("after its tokens were deleted: %+v", page)
	}

	// The first node of the home cluster is ill: the second gives the code.
	s.Pair.World.Host(s.Pair.World.Home.Publisher().Addr).SetFault(lab.Fault{Status: 503})
	if at, err = sso.Vouched(ctx, c, "code", "alice"); err != nil || at.Query().Get("code") == "" {
		t.Errorf("fail-over: %v %v", at, err)
	}
	defer func() {
		if err := sso.CloseSSO(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	status, err := s.Pair.Core.Status(ctx, "Edgesso")
	if err != nil || leaf(status, "Responses") != "3" || leaf(status, "Refused") != "0" {
		t.Errorf("status: %+v %v", status, err)
	}
}

func mustPath(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Path
}

// TestSSORefuses: every way in which an answer of an identity provider can be
// bad, and the same good one twice.
func TestSSORefuses(t *testing.T) {
	s := stage(t, Open)
	ctx := t.Context()
	sso, err := s.OpenSSO(ctx)
	if err != nil {
		t.Fatal(err)
	}
	c, err := s.Client("", "")
	if err != nil {
		t.Fatal(err)
	}
	answer := func(change string) (string, url.Values) {
		t.Helper()
		away, err := c.Begin(ctx, "code")
		if err != nil {
			t.Fatal(err)
		}
		to, form, err := sso.IdP.Answer(away, "alice", change)
		if err != nil {
			t.Fatal(err)
		}
		return to, form
	}
	post := func(to string, form url.Values) int {
		t.Helper()
		page, err := c.Post(ctx, to, form)
		if err != nil {
			t.Fatal(err)
		}
		return page.Status
	}
	for _, change := range []string{
		"audience", "anyone", "recipient", "question", "expired", "early", "issuer", "unsigned", "forged", "stranger", "nobody", "two", "sha1", "wrapped",
	} {
		if got := post(answer(change)); got != 403 {
			t.Errorf("%s: %d", change, got)
		}
	}
	to, form := answer("")
	elsewhere := strings.Replace(to, mustPath(t, c.LaneURL("fedlet")), "/ZXhhbXBsZS5jb20/fedlet", 1)
	if got := post(elsewhere, form); got == 302 {
		t.Error("another domain takes the answer")
	}
	if got := post(to, form); got != 302 {
		t.Errorf("a good answer: %d", got)
	}
	if got := post(to, form); got != 403 {
		t.Errorf("replayed: %d", got)
	}
	for _, form := range []url.Values{{}, {"SAMLResponse": {"%%%"}}, {"SAMLResponse": {"PGEvPg=="}}, {"SAMLResponse": {strings.Repeat("A", 300<<10)}}} {
		if got := post(to, form); got != 400 && got != 403 {
			t.Errorf("%.40v: %d", form, got)
		}
	}
	for query, want := range map[string]int{
		"response_type=code&redirect_uri=https://evil.example.org/": 403,
		"response_type=code&redirect_uri=jabber://x":                403,
		"response_type=password":                                    400,
		"":                                                          400,
	} {
		page, err := c.Fetch(ctx, http.MethodGet, c.LaneURL("authorize")+"?"+query, nil, nil)
		if err != nil || page.Status != want {
			t.Errorf("%s: %+v %v", query, page, err)
		}
	}
	if err := deploy.Type(ctx, s.Pair.Core, "xConfiguration CollaborationEdge AllowRedirectUri: On", "xConfiguration CollaborationEdge LegacySso: Off"); err != nil {
		t.Fatal(err)
	}
	page, err := c.Fetch(ctx, http.MethodGet, c.LaneURL("authorize")+"?response_type=code&redirect_uri=jabber://x", nil, nil)
	if err != nil || page.Status != 302 {
		t.Errorf("an app's own scheme: %+v %v", page, err)
	}
	if _, err := c.Begin(ctx, "token"); err == nil {
		t.Error("a token although LegacySso is off")
	}
}

// TestLocalOAuth: without an identity provider a client with a password gets a
// code from the home cluster itself.
func TestLocalOAuth(t *testing.T) {
	s := stage(t, Open)
	ctx := t.Context()
	if err := s.Keys(ctx); err != nil {
		t.Fatal(err)
	}
	c, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	ask := c.LaneURL("authorize") + "?response_type=code&realm=local&client_id=C0"
	page, err := c.Fetch(ctx, http.MethodGet, ask, c.Credentials, nil)
	if err != nil || page.Status != 302 {
		t.Fatalf("%+v %v", page, err)
	}
	at, err := url.Parse(page.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := c.Exchange(ctx, Code(at))
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = Bearer(tokens.Access)
	if _, _, err := c.SignIn(ctx); err != nil {
		t.Error(err)
	}
	for header, want := range map[string]int{"wrong": 401, "": 401} {
		h := lab.Basic("alice", header)
		if header == "" {
			h = nil
		}
		if page, err := c.Fetch(ctx, http.MethodGet, ask, h, nil); err != nil || page.Status != want {
			t.Errorf("%q: %+v %v", header, page, err)
		}
	}
	expired, err := s.Pair.World.Tokens.Bad("expired", "alice")
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = Bearer(expired)
	for range 6 {
		other, _ := s.Client("", "")
		other.Credentials = Bearer(expired)
		if _, page, _ := other.SignIn(ctx); page == nil || page.Status != 401 {
			t.Errorf("expired: %+v", page)
		}
	}
	good, _ := s.Client("", "")
	good.Credentials = Bearer(s.Pair.World.Tokens.Access("alice", time.Hour))
	if _, _, err := good.SignIn(ctx); err != nil {
		t.Error("expired tokens ban their owner: ", err)
	}
}

// TestSSOMetadataAlarm: an identity provider that was told of other edges than
// users come by is an alarm, until it is told anew; one whose certificate is
// about to end is another.
func TestSSOMetadataAlarm(t *testing.T) {
	s, sso, c := vouched(t)
	ctx := t.Context()
	export := func(edge string) {
		t.Helper()
		if err := deploy.Type(ctx, s.Pair.Core, "xCommand EdgeSSOMetadataExport Domain: "+s.Domain+" Edge: "+edge+" File: again.xml"); err != nil {
			t.Fatal(err)
		}
	}
	told := func(id int) (detail string) {
		for _, a := range s.Pair.Core.Alarms() {
			if a.Alarm.ID == id {
				detail += a.Detail
			}
		}
		return detail
	}
	if _, err := sso.Vouched(ctx, c, "code", "alice"); err != nil {
		t.Fatal(err)
	}
	export("other.example.com")
	await(t, func() error {
		if got := told(35016); !strings.Contains(got, "https://"+pair.EdgeName+":8443/") || !strings.Contains(got, "xCommand EdgeSSOMetadataExport Domain: "+s.Domain) {
			return fmt.Errorf("alarm 35016: %q", got)
		}
		return nil
	})
	export(pair.EdgeName + " Edge: other.example.com")
	await(t, func() error {
		if got := told(35016); got != "" {
			return fmt.Errorf("alarm 35016 stays: %q", got)
		}
		return nil
	})
}

// TestSSOForms: what is not known of the real service differs in every way that
// it may, and users sign in all the same, some after one setting.
func TestSSOForms(t *testing.T) {
	for _, c := range []struct {
		name    string
		change  func(*lab.SSOForms)
		setting string
	}{
		{"token endpoint access_token", func(f *lab.SSOForms) { f.Token = "/ssosp/oauth/access_token" }, ""},
		{"token endpoint token", func(f *lab.SSOForms) { f.Token = "/ssosp/token" }, ""},
		{"token endpoint elsewhere", func(f *lab.SSOForms) { f.Token = "/ssosp/oauth/v2/token" }, "xConfiguration CollaborationEdge SSO TokenPath: /ssosp/oauth/v2/token"},
		{"vouching elsewhere, answers as JSON", func(f *lab.SSOForms) { f.Authorize, f.JSON = "/ssosp/oauth/vouch", true }, "xConfiguration CollaborationEdge SSO AuthorizePath: /ssosp/oauth/vouch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, sso, phone := vouched(t)
			ctx := t.Context()
			s.Pair.World.SSOSP.Set(c.change)
			if c.setting != "" {
				if err := deploy.Type(ctx, s.Pair.Core, c.setting); err != nil {
					t.Fatal(err)
				}
			}
			at, err := sso.Vouched(ctx, phone, "code", "alice")
			if err != nil {
				t.Fatal(err)
			}
			tokens, err := phone.Exchange(ctx, Code(at))
			if err != nil {
				t.Fatal(err)
			}
			phone.Credentials = Bearer(tokens.Access)
			if _, _, err := phone.SignIn(ctx); err != nil {
				t.Error(err)
			}
			at, err = sso.Vouched(ctx, phone, "token", "bob")
			if err != nil || !strings.HasPrefix(at.Fragment, "access_token=") {
				t.Errorf("a token at once: %v, %v", at, err)
			}
		})
	}
}
