package login

import (
	"fmt"
	"testing"
	"time"

	"sallyport/test/deploy"
	"sallyport/test/lab"
)

// TestKeysByREST: a cluster whose table of token keys is closed tells them by
// REST, and its users sign in by token as soon as core was told where.
func TestKeysByREST(t *testing.T) {
	s := stage(t, Open)
	w := s.Pair.World
	core := func(lines ...string) {
		t.Helper()
		if err := deploy.Type(t.Context(), s.Pair.Core, lines...); err != nil {
			t.Fatal(err)
		}
	}
	w.HomeAXL.SetTable("authzkeys")
	core("xConfiguration CollaborationEdge OauthLocal: On", "xCommand RefreshServers Address: "+w.Home.Publisher().Host)
	alice, err := s.User("alice")
	if err != nil {
		t.Fatal(err)
	}
	alice.Credentials = Bearer(w.Tokens.Access("alice", time.Hour))
	if _, _, err := alice.SignIn(t.Context()); err == nil {
		t.Fatal("a token is good, whose keys nobody told")
	}
	w.KeysByREST.Set("jwks")
	core(fmt.Sprintf("xConfiguration CollaborationEdge CUCM %d AuthzKeyPath: %s", s.publisher(), lab.KeyResourcePath))
	await(t, func() error {
		_, _, err := alice.SignIn(t.Context())
		return err
	})
	if w.KeysByREST.Seen() == 0 {
		t.Error("nobody asked for the keys")
	}
}
