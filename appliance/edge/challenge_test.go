package edge

import (
	"testing"

	"sallyport/appliance/sip"
)

// TestChallenges holds that credentials count for whom they were asked, and
// that made-up ones go no further.
func TestChallenges(t *testing.T) {
	c := newChallenges()
	resp := sip.NewRequest("REGISTER", "sip:example.com")
	resp.Add("WWW-Authenticate", `Digest realm="example.com", qop="auth", nonce="n1", opaque="nonce=x,y"`)
	resp.Add("Authentication-Info", `nextnonce="n2"`)
	c.learn("alice@example.com", resp)
	for _, test := range []struct {
		name, user, credentials string
		answered, kept          bool
	}{
		{"asked", "alice@example.com", `Digest username="alice", cnonce="n9", nonce="n1", response="0"`, true, true},
		{"next", "alice@example.com", `DIGEST nonce=n2`, true, true},
		{"made up", "alice@example.com", `Digest nonce="n3"`, false, false},
		{"asked somebody else", "bob@example.com", `Digest nonce="n1"`, false, false},
		{"only in another parameter", "alice@example.com", `Digest cnonce="n1", nonce="zz"`, false, false},
		{"another scheme", "alice@example.com", `Bearer abc`, false, true},
	} {
		req := sip.NewRequest("REGISTER", "sip:example.com")
		req.Add("Authorization", test.credentials)
		if got, _ := c.answered(test.user, req); got != test.answered || req.Has("Authorization") != test.kept {
			t.Errorf("%s: got %v, kept %v; want %v, %v", test.name, got, req.Has("Authorization"), test.answered, test.kept)
		}
	}
}

// TestChallengesAreBounded holds that what is in use outlives a flood.
func TestChallengesAreBounded(t *testing.T) {
	c := newChallenges()
	c.add("alice", "kept")
	for i := range 5 * maxChallenges {
		c.add("mallory", string(rune(i))+"x"+string(rune(i>>8)))
		if i%1000 == 0 && !c.has("alice", "kept") {
			t.Fatalf("forgotten after %d others", i)
		}
	}
	if n := len(c.now) + len(c.old); n > 2*maxChallenges {
		t.Errorf("%d kept, want at most %d", n, 2*maxChallenges)
	}
}
