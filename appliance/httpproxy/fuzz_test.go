package httpproxy

import (
	"bufio"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"strings"
	"testing"

	"sallyport/appliance/allow"
)

// mayReach is the list of the fuzz in other words: for every way in which
// servers are known to read a path, what it then means must be allowed.
func mayReach(uri string) error {
	escaped, _, _ := strings.Cut(uri, "?")
	once, err := url.PathUnescape(escaped)
	if err != nil {
		return err
	}
	forms := []string{escaped, once, strings.ReplaceAll(once, `\`, "/")}
	if twice, err := url.PathUnescape(once); err == nil {
		forms = append(forms, twice)
	}
	for _, form := range forms {
		var parts []string
		for _, p := range strings.Split(form, "/") {
			p, _, _ = strings.Cut(p, ";")
			if trimmed := strings.TrimRight(p, " ."); trimmed == "" && p != "" {
				p = ".." // dots and spaces: the worst that they can mean
			}
			parts = append(parts, p)
		}
		clean := path.Clean("/" + strings.Join(parts, "/"))
		if clean != "/ok" && clean != "/pub" && !strings.HasPrefix(clean, "/pub/") {
			return fmt.Errorf("%q can be read as %q", uri, clean)
		}
	}
	return nil
}

// FuzzNothingElseReachesAnOrigin drives the real server over a stream with
// raw request lines, as an edge that somebody else owns could write them.
func FuzzNothingElseReachesAnOrigin(f *testing.F) {
	reached := make(chan string, 16)
	origin := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached <- r.Method + " " + r.RequestURI }))
	f.Cleanup(origin.Close)
	s := NewServer(ServerConfig{Log: slog.New(slog.DiscardHandler)})
	p := Plan{Domains: map[string]string{"example.com": ""}, Methods: []string{"GET"}}
	for path, match := range map[string]allow.Match{"/ok": allow.Exact, "/pub/": allow.Prefix} {
		r, err := allow.ParseURL(origin.URL + path)
		if err != nil {
			f.Fatal(err)
		}
		r.Match = match
		p.Rules = append(p.Rules, r)
	}
	s.Apply(p)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); s.Run(ctx) }()
	f.Cleanup(func() { stop(); <-done })

	host, port, _ := strings.Cut(strings.TrimPrefix(origin.URL, "http://"), ":")
	own := "example.com/http/" + host + "/" + port
	for _, seed := range []string{"/ok", "/pub/x", "/pub/../no", "/pub/%2e%2e/no", "/pub/..;/no", "/pub//x", "/pub/%252e", "/pub/..%5cno", "/pub/x?a=/../no", "/no"} {
		f.Add("GET", own, seed)
	}
	f.Add("POST", own, "/ok")
	f.Add("GET", strings.ToUpper(own), "/ok")
	f.Add("GET", "example.com", "/get_edge_config")
	f.Fuzz(func(t *testing.T, method, text, path string) {
		if strings.ContainsAny(method+path, "\r\n ") || strings.Contains(path, "http/1") {
			return // another request line, not another path
		}
		ours, theirs := net.Pipe()
		defer ours.Close()
		go s.ServeStream(theirs, nil)
		line := method + " /" + base64.RawStdEncoding.EncodeToString([]byte(strings.Replace(text, "127.0.0.1/80", host+"/"+port, 1))) + path
		go io.WriteString(ours, line+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(ours), nil)
		if err == nil {
			io.Copy(io.Discard, resp.Body)
		}
		select {
		case got := <-reached:
			m, uri, _ := strings.Cut(got, " ")
			if m != "GET" {
				t.Fatalf("%s: the origin got %s", line, got)
			}
			if err := mayReach(uri); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		default:
			if err == nil && resp.StatusCode < 400 {
				t.Fatalf("%s: answer %d, and nothing reached the origin", line, resp.StatusCode)
			}
		}
	})
}

func FuzzDevice(f *testing.F) {
	f.Add("CP-8845-SEP001122334455", "00ff")
	f.Add("a&print=b\r\n", "%")
	f.Fuzz(func(t *testing.T, name, print string) {
		d := Device{name, print}
		text := d.String()
		if got, ok := parseDevice(text); got != d || ok != (print != "") {
			t.Errorf("%q: %+v, %v", text, got, ok)
		}
		if strings.ContainsAny(text, "\r\n\x00") {
			t.Errorf("%q does not fit a header", text)
		}
		parseDevice(name)
	})
}
