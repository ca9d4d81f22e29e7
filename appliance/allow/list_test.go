package allow

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func rule(t testing.TB, url string, m Match, methods ...string) Rule {
	t.Helper()
	r, err := ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	r.Match, r.Methods = m, methods
	return r
}

func target(t testing.TB, url string) Target {
	t.Helper()
	r := rule(t, url, Exact)
	return Target{Domain: "example.com", Scheme: r.Scheme, Host: r.Host, Port: r.Port, Path: r.Path}
}

func TestMatch(t *testing.T) {
	other := rule(t, "http://c.example.com/", Prefix)
	other.Deployment = "lab"
	l := Compile([]Rule{
		0: rule(t, "https://a.example.com:8443/exact", Exact),
		1: rule(t, "https://a.example.com:8443/pre/", Prefix),
		2: rule(t, "https://a.example.com:8443/pre/deep/", Prefix, "POST"),
		3: rule(t, "https://a.example.com:8443/exact", Prefix, "PUT"),
		4: rule(t, "http://[2001:db8::1]/", Prefix, "GET"),
		5: other,
		6: rule(t, "http://d.example.com/text", Prefix),
	}, []string{"GET", "HEAD"})
	for _, c := range []struct {
		method, url, deployment string
		want                    int
		why                     string
	}{
		{"GET", "https://a.example.com:8443/exact", "", 0, ""},
		{"PUT", "https://a.example.com:8443/exact", "", 3, ""},
		{"PUT", "https://a.example.com:8443/exactly", "", 3, ""},
		{"POST", "https://a.example.com:8443/exact", "", -1, "no rule for this method"},
		{"GET", "https://a.example.com:8443/exact/", "", -1, "no rule for this method"},
		{"GET", "https://a.example.com:8443/Exact", "", -1, "no rule for this path"},
		{"GET", "https://a.example.com:8443/pre/", "", 1, ""},
		{"GET", "https://a.example.com:8443/pre", "", -1, "no rule for this path"},
		{"GET", "https://a.example.com:8443/pre/deep/x", "", 1, ""},
		{"POST", "https://a.example.com:8443/pre/deep/x", "", 2, ""},
		{"POST", "https://a.example.com:8443/pre/x", "", -1, "no rule for this method"},
		{"get", "https://a.example.com:8443/pre/", "", -1, "no rule for this method"},
		{"", "https://a.example.com:8443/pre/", "", -1, "no rule for this method"},
		{"GET", "http://a.example.com:8443/pre/", "", -1, "no rule for this server"},
		{"GET", "https://a.example.com/pre/", "", -1, "no rule for this server"},
		{"GET", "https://a.example.com.evil.org:8443/pre/", "", -1, "no rule for this server"},
		{"GET", "http://[2001:db8:0::1]/", "", 4, ""},
		{"GET", "http://c.example.com/x", "lab", 5, ""},
		{"GET", "http://c.example.com/x", "", -1, "no rule for this server"},
		{"GET", "https://a.example.com:8443/pre/", "lab", -1, "no rule for this server"},
		{"GET", "http://d.example.com/textual", "", 6, ""},
	} {
		tgt := target(t, c.url)
		d := l.Match(c.method, tgt, c.deployment)
		got := -1
		if d.Rule != nil {
			got = slices.IndexFunc(l.rules, func(r Rule) bool {
				return r.URL() == d.Rule.URL() && r.Match == d.Rule.Match && r.Deployment == d.Rule.Deployment
			})
		}
		if got != c.want || d.Why != c.why {
			t.Errorf("%s %s: rule %d (%s), want %d (%s)", c.method, c.url, got, d.Why, c.want, c.why)
		}
		if l.Allows(c.method, tgt, c.deployment) != (c.want >= 0) {
			t.Errorf("%s %s: Allows differs from Match", c.method, c.url)
		}
	}
}

func TestHits(t *testing.T) {
	a, b := rule(t, "http://a/", Prefix, "GET"), rule(t, "http://b/", Prefix)
	hits := func(l *List) (out []uint64) {
		l.Range(func(_ *Rule, _ []string, n uint64) { out = append(out, n) })
		return out
	}
	old := Compile([]Rule{a, b, a}, []string{"GET"})
	old.Match("GET", target(t, "http://a/x"), "")
	old.Match("GET", target(t, "http://b/x"), "")
	old.Allows("GET", target(t, "http://b/x"), "")
	if got, want := hits(old), []uint64{1, 1, 0}; !slices.Equal(got, want) {
		t.Errorf("hits %v, want %v", got, want)
	}
	renamed := b
	renamed.Name, renamed.Description = "rule 1", "other words"
	changed := a
	changed.Methods = []string{"GET", "POST"}
	l := Compile([]Rule{renamed, changed, a}, []string{"GET"})
	l.KeepHits(old)
	old.Match("GET", target(t, "http://b/late"), "") // a request that still holds the old list
	if got, want := hits(l), []uint64{2, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("hits after a change %v, want %v", got, want)
	}
}

func TestDefaultMethodsInRange(t *testing.T) {
	l := Compile([]Rule{rule(t, "http://a/", Prefix), rule(t, "http://a/b", Exact, "PUT")}, []string{"GET"})
	var got []string
	l.Range(func(r *Rule, methods []string, _ uint64) { got = append(got, r.URL()+" "+strings.Join(methods, ",")) })
	if want := []string{"http://a:80/ GET", "http://a:80/b PUT"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestParseURL(t *testing.T) {
	for in, want := range map[string]string{
		"http://a": "http://a:80/", "https://A.B/": "https://a.b:443/", "HTTPS://a/X": "https://a:443/X",
		"https://a:8443/p%61th": "https://a:8443/path", "http://[2001:DB8::1]:81/": "http://[2001:db8::1]:81/",
		"ftp://a/": "", "a/b": "", "//a/b": "", "http:///x": "", "http://u@a/": "", "http://u:p@a/": "", "http://a/?q": "", "http://a/#f": "",
		"http://a/../b": "", "http://a//b": "", "http://a:0/": "", "http://a:99999/": "", "http://a./": "", "http://127.1/": "", "http://a b/": "",
		"http://[fe80::1%25eth0]/": "", "": "",
	} {
		r, err := ParseURL(in)
		if got := r.URL(); err == nil && got != want || err != nil && want != "" {
			t.Errorf("%q: got %q, %v, want %q", in, got, err, want)
		}
	}
}

// naive is the list's law in its plainest form.
func naive(rules []Rule, defaults []string, method string, t Target, deployment string) *Rule {
	var best *Rule
	for i := range rules {
		r := &rules[i]
		methods := r.Methods
		if len(methods) == 0 {
			methods = defaults
		}
		if r.Deployment != deployment || r.Scheme != t.Scheme || r.Host != t.Host || r.Port != t.Port || !slices.Contains(methods, method) {
			continue
		}
		switch {
		case r.Match == Exact && r.Path == t.Path:
			if best == nil || best.Match == Prefix {
				best = r
			}
		case r.Match == Prefix && strings.HasPrefix(t.Path, r.Path):
			if best == nil || best.Match == Prefix && len(best.Path) < len(r.Path) {
				best = r
			}
		}
	}
	return best
}

// FuzzMatch builds rules and a request from a small alphabet, so that they
// often meet, and holds the index to the naive law.
func FuzzMatch(f *testing.F) {
	f.Add([]byte("0123456789abcdefghijkl"), "/a/b", uint8(0))
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, "/ab", uint8(3))
	f.Fuzz(func(t *testing.T, seed []byte, path string, more uint8) {
		paths := []string{"/", "/a", "/a/", "/a/b", "/a/bc", "/ab", "/b", path}
		var rules []Rule
		for i := 0; i+1 < len(seed) && i < 64; i += 2 {
			r := Rule{Scheme: "http", Host: "a", Port: 80, Path: paths[int(seed[i])%len(paths)], Match: Match(seed[i] >> 3 & 1)}
			r.Name = fmt.Sprint(i)
			r.Deployment = []string{"", "x"}[seed[i]>>4&1]
			r.Host = []string{"a", "b"}[seed[i]>>5&1]
			r.Methods = [][]string{nil, {"GET"}, {"POST"}, {"GET", "POST"}}[seed[i+1]&3]
			rules = append(rules, r)
		}
		method := []string{"GET", "POST", "PUT"}[int(more)%3]
		deployment := []string{"", "x"}[more>>6&1]
		l := Compile(rules, []string{"PUT"})
		for _, p := range paths {
			tgt := Target{Scheme: "http", Host: []string{"a", "b"}[more>>7], Port: 80, Path: p}
			want, got := naive(rules, []string{"PUT"}, method, tgt, deployment), l.Match(method, tgt, deployment).Rule
			if (want == nil) != (got == nil) || want != nil && want.Name != got.Name {
				t.Fatalf("%s %+v: got %+v, want %+v", method, tgt, got, want)
			}
		}
	})
}

func BenchmarkMatch(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		for _, place := range []string{"one server", "many servers"} {
			rules := make([]Rule, n)
			for i := range rules {
				host := "cucm.example.com"
				if place == "many servers" {
					host = fmt.Sprintf("cucm%d.example.com", i/10)
				}
				rules[i] = rule(b, fmt.Sprintf("https://%s:8443/service-%05d/", host, i), Match(i%2))
			}
			l := Compile(rules, []string{"GET"})
			tgt := target(b, rules[n-1].URL()+"user/alice/devices")
			b.Run(fmt.Sprintf("%d rules, %s", n, place), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if l.Match("GET", tgt, "").Rule == nil {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}
