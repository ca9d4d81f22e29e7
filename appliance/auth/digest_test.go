package auth

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

// The examples of RFC 7616 3.9.1 and RFC 2617 3.5.
func TestDigestExamples(t *testing.T) {
	for _, c := range []struct{ value, password, method string }{
		{`Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="8ca523f5e9506fed4657c9700eebdbec", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`, "Circle of Life", "GET"},
		{`Digest username="Mufasa", realm="http-auth@example.org", uri="/dir/index.html", algorithm=SHA-256, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", nc=00000001, cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", qop=auth, response="753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"`, "Circle of Life", "GET"},
		{`Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", uri="/dir/index.html", qop=auth, nc=00000001, cnonce="0a4f113b", response="6629fae49393a05397450978507c4ef1", opaque="5ccc069c403ebaf9f0171e9517f40e41"`, "Circle Of Life", "GET"},
	} {
		d, ok, err := ParseDigest(c.value)
		if !ok || err != nil {
			t.Fatalf("%v %v", ok, err)
		}
		if !d.Fits(HA1(d.Algorithm, d.User, d.Realm, c.password), c.method) {
			t.Errorf("%s: does not fit", d.Algorithm)
		}
		if d.Fits(HA1(d.Algorithm, d.User, d.Realm, c.password+"x"), c.method) || d.Fits(HA1(d.Algorithm, d.User, d.Realm, c.password), "PUT") {
			t.Errorf("%s: fits what it should not", d.Algorithm)
		}
	}
}

func TestDigestRefused(t *testing.T) {
	for value, fine := range map[string]bool{
		`Digest username="a\"b", realm="r", nonce="n", uri="u", response="x"`:                                   true,
		`Digest username="a", realm="r", nonce="n", uri="u", response="x", username="b"`:                        false,
		`Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth-int, nc=00000001, cnonce=c`: false,
		`Digest username="a", realm="r", nonce="n", uri="u", response="x", qop=auth`:                            false,
		`Digest username="a", realm="r", nonce="n", uri="u", response="x", algorithm=MD5-sess`:                  false,
		`Digest username="", realm="r", nonce="n", uri="u", response="x"`:                                       false,
		`Digest `: false,
		`Digest username="a", realm="r", nonce="n", uri="u", response="` + strings.Repeat("x", maxDigest) + `"`: false,
	} {
		if d, ok, err := ParseDigest(value); !ok || (err == nil) != fine {
			t.Errorf("%.80s: %v %v", value, d, err)
		}
	}
	if _, ok, _ := ParseDigest("Bearer abc"); ok {
		t.Error("another scheme counts as digest")
	}
}

// clock is a time that a test moves.
type clock struct{ now time.Time }

func (c *clock) tell() time.Time       { return c.now }
func (c *clock) pass(by time.Duration) { c.now = c.now.Add(by) }

func newClock() *clock { return &clock{time.Unix(1_800_000_000, 0)} }

func TestNonces(t *testing.T) {
	c := newClock()
	n, err := NewNonces(c.tell, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	make := func() string {
		s, err := n.New("example.com")
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	for _, length := range []int{32, 33, 60, 512} {
		n.Apply(NonceLimits{Expire: 5 * time.Minute, Length: length, Limit: 2, Uses: 3})
		if s := make(); len(s) != length || !n.Fresh("example.com", s) || n.Fresh("example.org", s) || n.Fresh("example.com", s[:31]+"!"+s[32:]) {
			t.Errorf("%d: %q", length, s)
		}
	}
	n.Apply(NonceLimits{Expire: 5 * time.Minute, Length: 40, Limit: 2, Uses: 3})
	first := make()
	if changed := first[:39] + map[bool]string{true: "b", false: "a"}[first[39] == 'a']; n.Fresh("example.com", changed) {
		t.Error("a changed tail is taken")
	}
	for i, step := range []struct {
		count string
		ok    bool
	}{{"00000001", true}, {"00000001", false}, {"00000005", true}, {"00000003", true}, {"00000006", false}} {
		if got := n.Use("example.com", first, step.count); got != step.ok {
			t.Errorf("use %d with %s: %t", i, step.count, got)
		}
	}
	c.pass(time.Second)
	second, uncounted := make(), make()
	if !n.Use("example.com", second, "00000001") || !n.Use("example.com", uncounted, "") || n.Use("example.com", uncounted, "") {
		t.Error("fresh nonces cannot be used once")
	}
	if n.Fresh("example.com", first) {
		t.Error("a nonce that was forgotten could be replayed")
	}
	if !n.Fresh("example.com", second) {
		t.Error("the newest are forgotten")
	}
	c.pass(5 * time.Minute)
	if n.Fresh("example.com", second) || n.Use("example.com", make(), "") == false {
		t.Error("expiry")
	}
}

func TestCache(t *testing.T) {
	c := newClock()
	cache := NewCache(c.tell)
	k := func(user string) cacheKey { return cacheKey{MD5, user, "example.com", user + "@example.com"} }
	has := func(user string) bool { _, ok := cache.get(k(user)); return ok }
	cache.put(k("early"), "x")
	if has("early") {
		t.Error("a cache that is off keeps something")
	}
	limits := CacheLimits{On: true, Lifetime: 10 * time.Minute, Sweep: 10 * time.Minute, Limit: 2}
	cache.Apply(limits)
	for _, u := range []string{"a", "b", "c"} {
		cache.put(k(u), u)
	}
	if has("a") || !has("b") || !has("c") {
		t.Error("the limit takes others than the oldest")
	}
	cache.Forget("B")
	if has("b") || !has("c") {
		t.Error("forget")
	}
	limits.Lifetime = time.Minute
	cache.Apply(limits)
	c.pass(time.Minute)
	if has("c") || cache.sweep() != limits.Sweep || cache.order.Len() != 0 {
		t.Error("expiry")
	}
	cache.put(k("d"), "d")
	limits.On = false
	cache.Apply(limits)
	if limits.On = true; cache.On() {
		t.Error("off")
	}
	if cache.Apply(limits); has("d") {
		t.Error("off forgets nothing")
	}
}

func FuzzParseDigest(f *testing.F) {
	f.Add(`Digest username="a\"b", realm="r", nonce="n", uri="u", response="x", qop=auth, nc=00000001, cnonce="c"`)
	f.Add(`Digest a=b,,"=`)
	f.Fuzz(func(t *testing.T, value string) {
		d, ok, err := ParseDigest(value)
		if ok && err == nil && (d.User == "" || d.Response == "" || newHash(d.Algorithm) == nil) {
			t.Errorf("%+v", d)
		}
	})
}

func FuzzQuestion(f *testing.F) {
	f.Add(Question{Domain: "example.com", Owner: "a@example.com", Digest: Digest{User: "a", Realm: "example.com", Nonce: "n", URI: "u", Response: "r", Algorithm: MD5}}.Encode())
	f.Fuzz(func(t *testing.T, in []byte) {
		v := NewVault(time.Now)
		v.Apply(Plan{Modes: map[string]Mode{"example.com": Delegated}, Credentials: map[string]string{"a": "b"}})
		if q, err := DecodeQuestion(in); err == nil && v.Answer(t.Context(), q).OK {
			t.Errorf("%q", in)
		}
	})
}
