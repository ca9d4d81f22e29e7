package allow

import (
	"encoding/base64"
	"net/url"
	"path"
	"strings"
	"testing"
)

func b64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

func TestParseTarget(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"published sample", "/ZXhhbXBsZS5jb20vaHR0cHMvY3VjbTEuZXhhbXBsZS5jb20vODQ0Mw/cucm-uds/version", "example.com https://cucm1.example.com:8443 /cucm-uds/version"},
		{"published sample, address", "/ZXhhbXBsZS5jb20vaHR0cC8xOTIuMC4yLjMzLzY5NzA/SPDefault.cnf.xml", "example.com http://192.0.2.33:6970 /SPDefault.cnf.xml"},
		{"domain only", "/ZXhhbXBsZS5jb20/get_edge_config", "example.com  /get_edge_config"},
		{"domain only, nothing behind", "/ZXhhbXBsZS5jb20", "example.com  /"},
		{"no path", "/" + b64("example.com/http/a.example.com/80"), "example.com http://a.example.com:80 /"},
		{"mixed case", "/" + b64("EXAMPLE.com/http/A.Example.COM/80") + "/A", "example.com http://a.example.com:80 /A"},
		{"IPv6", "/" + b64("example.com/https/2001:DB8::0:1/443") + "/", "example.com https://[2001:db8::1]:443 /"},
		{"IPv6 in brackets", "/" + b64("example.com/https/[2001:db8::1]/443") + "/", "example.com https://[2001:db8::1]:443 /"},
		{"IPv4 in IPv6", "/" + b64("example.com/https/::ffff:192.0.2.1/443") + "/", "example.com https://192.0.2.1:443 /"},
		{"escapes of what needs none", "/" + b64("example.com/http/a/80") + "/%61%2Db/%7e", "example.com http://a:80 /a-b/~"},
		{"escapes of what needs them", "/" + b64("example.com/http/a/80") + "/%c3%a9%20x", "example.com http://a:80 /%C3%A9%20x"},
		{"parameters", "/" + b64("example.com/http/a/80") + "/a;v=1/b", "example.com http://a:80 /a;v=1/b"},
		{"dots within names", "/" + b64("example.com/http/a/80") + "/a..b/.x/x.", "example.com http://a:80 /a..b/.x/x."},
	} {
		got, err := ParseTarget(c.in)
		if text := got.Domain + " " + strings.TrimSuffix(got.Origin(), "://:0") + " " + got.Path; err != nil || text != c.want {
			t.Errorf("%s: got %q, %v, want %q", c.name, text, err, c.want)
		}
	}
}

func TestParseTargetRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "two parts": "example.com/http", "three parts": "example.com/http/a", "five parts": "example.com/http/a/80/x",
		"no domain": "/http/a/80", "other protocol": "example.com/ftp/a/21", "protocol in capitals": "example.com/HTTP/a/80",
		"port 0": "example.com/http/a/0", "port 65536": "example.com/http/a/65536", "port with zero": "example.com/http/a/080",
		"port with sign": "example.com/http/a/+80", "no port": "example.com/http/a/", "no host": "example.com/http//80",
		"user in host": "example.com/http/u@a/80", "port in host": "example.com/http/a:81/80", "escape in host": "example.com/http/a%2e/80",
		"trailing dot": "example.com/http/a./80", "leading dot": "example.com/http/.a/80", "two dots": "example.com/http/a..b/80",
		"short address": "example.com/http/127.1/80", "number": "example.com/http/2130706433/80", "hex": "example.com/http/0x7f.1/80",
		"octal": "example.com/http/10.0.0.010/80", "not even octal": "example.com/http/10.0.0.08/80", "zone": "example.com/http/fe80::1%25eth0/80",
		"line end": "example.com/http/a\r\n/80", "space": "example.com/http/a /80", "not ASCII": "example.com/http/é/80",
		"query in host": "example.com/http/a?/80", "NUL": "example.com/http/a\x00/80",
	} {
		if got, err := ParseTarget("/" + b64(text) + "/x"); err == nil {
			t.Errorf("%s: %q gives %+v", name, text, got)
		}
	}
	target := b64("example.com/http/a/80")
	for name, path := range map[string]string{
		"no slash": target + "/x", "empty": "", "padding": "/" + base64.StdEncoding.EncodeToString([]byte("example.com/http/a/80x")) + "=/x",
		"line end in base64": "/" + target[:4] + "\r\n" + target[4:] + "/x", "escaped base64": "/%5A" + target[1:] + "/x",
		"trailing bits": "/ZXhhbXBsZS5jb21/x", "too long": "/" + target + "/" + strings.Repeat("a", maxPath),
		"url alphabet": "/" + strings.Repeat("-", 8),
	} {
		if got, err := ParseTarget(path); err == nil {
			t.Errorf("%s: %q gives %+v", name, path, got)
		}
	}
}

func TestPathTricks(t *testing.T) {
	for _, p := range []string{
		"/..", "/../", "/a/..", "/a/../b", "/./", "/.", "/a/./b", "//", "//a", "/a//b", "/a//",
		"/%2e%2e/", "/.%2e/x", "/%2E./x", "/%2e", "/a/%2e%2e", "/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/a\\b", "/..\\x",
		"/a%252e", "/%25", "/%252e%252e/", "/a%00b", "/a%0d%0ab", "/a%7f", "/a b", "/a\tb", "/a\x00", "/é", "/a?b", "/a#b",
		"/..;/a", "/..;x=1/a", "/.;/a", "/;/a", "/a/;x", "/;", "/a%3bb", "/%", "/%4", "/%zz", "/%+1", "/%-1", "/a%u002e",
		"/.../x", "/..../", "/..%20/x", "/%20../x", "/. ./", "/%2e%20;x", "/%20/x",
		"/%c0%ae%c0%ae/x", "/%c0%af", "/%ff", "/%e2%80", "/%ef%bc%8e%ef%bc%8e/x", "/a%ef%bc%8fb", "/a%e2%88%95b", "/a%c2%85b",
		"/\"", "/<", "/>", "/^", "/`", "/{", "/|", "/}",
	} {
		if got, err := canonicalPath(p); err == nil {
			t.Errorf("canonicalPath(%q) = %q, want it refused", p, got)
		}
	}
}

// readings are the ways in which servers are known to read a path: decoded
// once or twice, with backslashes as separators, without parameters, without
// what Windows drops from the end of names.
func readings(escaped string) []string {
	once, _ := url.PathUnescape(escaped)
	out := []string{once}
	if twice, err := url.PathUnescape(once); err == nil {
		out = append(out, twice)
	}
	for _, p := range out[:len(out):len(out)] {
		out = append(out, strings.ReplaceAll(p, `\`, "/"))
		var parts []string
		for _, s := range strings.Split(p, "/") {
			s, _, _ = strings.Cut(s, ";")
			parts = append(parts, s)
		}
		out = append(out, strings.Join(parts, "/"))
	}
	for _, p := range out[:len(out):len(out)] {
		parts := strings.Split(p, "/")
		for i, s := range parts {
			if trimmed := strings.TrimRight(s, " "); trimmed == ".." || trimmed == "." {
				parts[i] = trimmed
			}
		}
		out = append(out, strings.Join(parts, "/"))
	}
	return out
}

func FuzzParseTarget(f *testing.F) {
	f.Add("example.com/https/cucm1.example.com/8443", "cucm-uds/user/alice")
	f.Add("example.com", "get_edge_config")
	f.Add("example.com/http/[::1]/80", "%2e%2e/%252e;x//")
	f.Add("a/http/0x7f.1/80", "a/..;/b")
	f.Fuzz(func(t *testing.T, text, p string) {
		p = "/" + p
		if strings.Contains(b64(text), "/") {
			return // no host name's base64 does
		}
		in := "/" + b64(text) + p
		got, err := ParseTarget(in)
		if err != nil {
			return
		}
		if !strings.HasPrefix(got.Path, "/") {
			t.Fatalf("%q: path %q", in, got.Path)
		}
		again, err := ParseTarget(got.Prefix() + got.Path)
		if err != nil || again != got {
			t.Fatalf("%q: %+v reads back as %+v, %v", in, got, again, err)
		}
		if got.Scheme != "" {
			rule, err := ParseURL(got.Origin() + got.Path)
			if err != nil || rule.Host != got.Host || rule.Port != got.Port || rule.Path != got.Path {
				t.Fatalf("%q: as a URL it is %+v, %v", in, rule, err)
			}
		}
		before, err1 := url.PathUnescape(p)
		after, err2 := url.PathUnescape(got.Path)
		if err1 != nil || err2 != nil || before != after {
			t.Fatalf("%q means %q, its canonical form %q", p, before, after)
		}
		for _, r := range readings(got.Path) {
			clean := path.Clean(r)
			if strings.HasSuffix(r, "/") && clean != "/" {
				clean += "/"
			}
			if clean != r {
				t.Fatalf("%q: a server may read %q as %q", p, r, clean)
			}
		}
	})
}
