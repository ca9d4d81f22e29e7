package httpproxy

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Path tricks are written raw, because client libraries mend them.
func TestPathTricks(t *testing.T) {
	w := build(t, Limits{})
	w.allow("GET", "/pub/", "/ok")
	own := prefix(w.origin.URL)
	for _, path := range []string{
		"/pub/../no", "/pub/%2e%2e/no", "/pub/.%2E/no", "/pub/..%2fno", "/pub/%2e%2e%2fno", "/pub/..\\no", "/pub/..%5cno",
		"/pub/%252e%252e/no", "/pub/%25%32%65%25%32%65/no", "/pub/..;/no", "/pub/..;x/no", "/pub/;/../no", "/pub/.;/no",
		"/pub//no", "//no", "//pub/", "/pub/./x", "/./pub/x", "/pub/%00", "/pub/%0d%0aX: y", "/pub/%c0%ae%c0%ae/no", "/pub/%ef%bc%8e%ef%bc%8e/no",
		"/pub/.../no", "/pub/..%20/no", "/pub/%3b/no", "/PUB/x", "/Pub/x", "/pub", "/%70ub", "/pub%2fx", "/pub\\x", "/ok/../no", "/no",
	} {
		for _, line := range []string{"GET " + own + path, "GET " + own + path + "?x"} {
			status, _ := w.say(line + " HTTP/1.1\r\nHost: edge\r\n\r\n")
			if status < 400 || status > 499 {
				t.Errorf("%s: answer %d", line, status)
			}
		}
	}
	host := strings.TrimPrefix(w.origin.URL, "http://")
	for _, target := range []string{
		w.origin.URL + "/pub/x", "http://" + w.addr.String() + own + "/pub/x", "https://edge" + own + "/pub/x", "//" + host + "/pub/x",
		"///pub/x", "pub/x", "*", own[1:] + "/pub/x", "/" + own + "/pub/x", "/." + own + "/pub/x", "/x/.." + own + "/pub/x",
		host, own + "@evil/pub/x", own + "=/pub/x", own + "%3d/pub/x", own + "%2fpub/x", own + "\\pub/x", own + ";/pub/x", own + ";v/pub/x",
		prefixOf("example.com/http/user@" + strings.Replace(host, ":", "/", 1)), prefixOf("example.com/HTTP/" + strings.Replace(host, ":", "/", 1)),
		prefixOf("example.com/http/127.1/" + host[strings.Index(host, ":")+1:]), prefixOf("example.com/http/0x7f000001/" + host[strings.Index(host, ":")+1:]),
		prefixOf("example.com/http/127.0.0.1./" + host[strings.Index(host, ":")+1:]), prefixOf("example.com./http/" + strings.Replace(host, ":", "/", 1)),
		prefixOf("example.com/http/" + strings.Replace(host, ":", "/0", 1)), prefixOf("example.com/http/" + strings.Replace(host, ":", "/+", 1)),
		prefixOf("example.com/http/::1/" + host[strings.Index(host, ":")+1:]), prefixOf("example.com/http/localhost/" + host[strings.Index(host, ":")+1:]),
	} {
		for _, method := range []string{"GET", "OPTIONS"} {
			status, _ := w.say(method + " " + target + " HTTP/1.1\r\nHost: edge\r\n\r\n")
			if status < 400 || status > 499 {
				t.Errorf("%s %s: answer %d", method, target, status)
			}
		}
	}
	if seen := w.took(); len(seen) > 0 {
		t.Errorf("the origin saw %q", seen)
	}
	// What is plainly allowed still is, in other spellings of the same.
	for spelled, want := range map[string]string{
		own + "/pub/x": "/pub/x", own + "/p%75b/%7Ex": "/pub/~x", own + "/pub/%c3%a9": "/pub/%C3%A9", own + "/pub/a..b/": "/pub/a..b/",
		own + "/pub/a;v=1": "/pub/a;v=1", prefixOf("Example.COM/http/::ffff:"+strings.Replace(host, ":", "/", 1)) + "ok": "/ok",
	} {
		status, _ := w.say("GET " + spelled + " HTTP/1.1\r\nHost: edge\r\n\r\n")
		if seen := w.took(); status != 200 || !slices.Equal(seen, []string{"GET " + want}) {
			t.Errorf("%s: answer %d, origin saw %q, want %q", spelled, status, seen, want)
		}
	}
}

// prefixOf is the transformed path of any text.
func prefixOf(text string) string {
	return "/" + rawBase64(text) + "/"
}

// Each request of the corpus is read differently by some servers. Whatever the
// gate makes of it, the origin never sees the request hidden behind it.
func TestSmuggling(t *testing.T) {
	w := build(t, Limits{Pause: 200 * time.Millisecond})
	w.allow("GET,POST", "/ok")
	ok := prefix(w.origin.URL) + "/ok"
	hidden := "GET " + ok + "/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
	head := "POST " + ok + " HTTP/1.1\r\nHost: edge\r\n"
	chunked := func(body string) string { return fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body) }
	for _, c := range []struct {
		name, text string
		want       int
	}{
		{"CL and TE", head + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(hidden), 400},
		{"TE and CL", head + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n" + hidden, 400},
		{"two CL that differ", head + "Content-Length: 4\r\nContent-Length: 100\r\n\r\nabcd" + hidden, 400},
		{"CL list that differs", head + "Content-Length: 4, 100\r\n\r\nabcd" + hidden, 400},
		{"CL with sign", head + "Content-Length: +4\r\n\r\nabcd" + hidden, 400},
		{"CL in hex", head + "Content-Length: 0x4\r\n\r\nabcd" + hidden, 400},
		{"negative CL", head + "Content-Length: -1\r\n\r\n" + hidden, 400},
		{"huge CL", head + "Content-Length: 99999999999999999999\r\n\r\n" + hidden, 400},
		{"CL with space before colon", head + "Content-Length : 4\r\n\r\nabcd" + hidden, 400},
		{"TE twice", head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("x"), 400},
		{"TE chunked, identity", head + "Transfer-Encoding: chunked, identity\r\n\r\n" + chunked("x"), 400},
		{"TE identity", head + "Transfer-Encoding: identity\r\nContent-Length: 4\r\n\r\nabcd", 400},
		{"TE xchunked", head + "Transfer-Encoding: xchunked\r\n\r\n" + chunked("x"), 400},
		{"TE with tab", head + "Transfer-Encoding:\tchunked\r\n\r\n" + chunked("x"), 200},
		{"TE with vertical tab", head + "Transfer-Encoding: \x0bchunked\r\n\r\n" + chunked("x"), 400},
		{"TE with space before colon", head + "Transfer-Encoding : chunked\r\n\r\n" + chunked("x"), 400},
		{"TE by a folded line", head + "Transfer-Encoding:\r\n chunked\r\n\r\n" + chunked("x"), 400},
		{"TE quoted", head + "Transfer-Encoding: \"chunked\"\r\n\r\n" + chunked("x"), 400},
		{"TE and a body in HTTP/1.0", "POST " + ok + " HTTP/1.0\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked("x"), 400},
		{"chunk size with sign", head + "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n", 400},
		{"chunk size too long", head + "Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\nx\r\n0\r\n\r\n", 400},
		{"chunk without end", head + "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n0\r\n\r\n", 400},
		{"bare CR in a chunk line", head + "Transfer-Encoding: chunked\r\n\r\n1\rx\r\n0\r\n\r\n", 400},
		{"bare LF between lines", "POST " + ok + " HTTP/1.1\nHost: edge\nContent-Length: 4\n\nabcd", 400},
		{"header with a bare CR", head + "X: a\rContent-Length: 4\r\n\r\n", 400},
		{"header with NUL", head + "X: a\x00\r\n\r\n", 400},
		{"header name with a space", head + "X Y: a\r\n\r\n", 400},
		{"header without a name", head + ": a\r\n\r\n", 400},
		{"first line folded", "POST " + ok + " HTTP/1.1\r\n Host: edge\r\n\r\n", 400},
		{"no Host", "GET " + ok + " HTTP/1.1\r\n\r\n", 400},
		{"two Hosts", "GET " + ok + " HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
		{"bad Host", "GET " + ok + " HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"HTTP/0.9", "GET " + ok + "\r\n\r\n", 400},
		{"HTTP/2.0 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
		{"HTTP/1.2", "GET " + ok + " HTTP/1.2\r\nHost: edge\r\n\r\n", 400},
		{"two spaces", "GET  " + ok + " HTTP/1.1\r\nHost: edge\r\n\r\n", 400},
		{"space in the target", "GET " + ok + " x HTTP/1.1\r\nHost: edge\r\n\r\n", 400},
		{"tab in the target", "GET " + ok + "\tx HTTP/1.1\r\nHost: edge\r\n\r\n", 400},
		{"lower-case method", "get " + ok + " HTTP/1.1\r\nHost: edge\r\n\r\n", 405},
		{"CONNECT", "CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: edge\r\n\r\n", 405},
	} {
		status, _ := w.say(c.text)
		if status != c.want {
			t.Errorf("%s: answer %d, want %d", c.name, status, c.want)
		}
	}
	for _, seen := range w.took() {
		if strings.Contains(seen, "smuggled") {
			t.Errorf("the origin saw %s", seen)
		}
	}
}

func TestUpgradesAreRefused(t *testing.T) {
	w := build(t, Limits{})
	ok := prefix(w.origin.URL) + "/ok"
	for _, upgrade := range []string{
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
		"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n", "Upgrade: TLS/1.0\r\n",
	} {
		if status, _ := w.say("GET " + ok + " HTTP/1.1\r\nHost: edge\r\n" + upgrade + "\r\n"); status != 501 {
			t.Errorf("%q: answer %d", upgrade, status)
		}
	}
	if seen := w.took(); len(seen) > 0 {
		t.Errorf("the origin saw %q", seen)
	}
	w.answer(func(rw http.ResponseWriter, _ *http.Request) { // an origin that upgrades unasked
		c, b, _ := rw.(http.Hijacker).Hijack()
		b.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		b.Flush()
		c.Close()
	})
	if status, _ := w.say("GET " + ok + " HTTP/1.1\r\nHost: edge\r\n\r\n"); status != 502 {
		t.Errorf("an upgrade that nobody asked for: answer %d", status)
	}
}

func TestOversizedHeaders(t *testing.T) {
	w := build(t, Limits{})
	ok := prefix(w.origin.URL) + "/ok"
	for name, text := range map[string]string{
		"one long header": "GET " + ok + " HTTP/1.1\r\nHost: edge\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
		"many headers":    "GET " + ok + " HTTP/1.1\r\nHost: edge\r\n" + strings.Repeat("X: y\r\n", 10<<10) + "\r\n",
		"long target":     "GET " + ok + "?" + strings.Repeat("x", 64<<10) + " HTTP/1.1\r\nHost: edge\r\n\r\n",
	} {
		if status, _ := w.say(text); status != 431 && status != 400 && status != 0 { // 0: reset before the answer was read
			t.Errorf("%s: answer %d", name, status)
		}
	}
	if seen := w.took(); len(seen) > 0 {
		t.Errorf("the origin saw %q", seen)
	}
	w.answer(func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("X", strings.Repeat("x", 1<<20)) })
	if status, _, _ := w.get("/ok"); status != 502 {
		t.Errorf("an origin with a header of 1 MB: answer %d", status)
	}
}

// TestSlowClients has a world for each limit, so that on a slow machine none ends
// what another is meant to.
func TestSlowClients(t *testing.T) {
	const soon = 50 * time.Millisecond
	slow(t, Limits{Header: soon, Idle: soon}, []slowClient{
		{"nothing", "", 0},
		{"half a header", "GET {own}/ok HTTP/1.1\r\nHost: ed", 0},
	})
	slow(t, Limits{Pause: soon, Idle: soon}, []slowClient{
		{"no body", "POST {own}/ok HTTP/1.1\r\nHost: edge\r\nContent-Length: 5\r\n\r\n", 408},
		{"half a body", "POST {own}/ok HTTP/1.1\r\nHost: edge\r\nContent-Length: 5\r\n\r\nab", 408},
		{"half a chunk", "POST {own}/ok HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", 408},
		{"no body, denied", "POST {own}/no HTTP/1.1\r\nHost: edge\r\nContent-Length: 5\r\n\r\n", 403},
		{"no body, method unknown", "PATCH {own}/no HTTP/1.1\r\nHost: edge\r\nContent-Length: 5\r\n\r\n", 405},
	})
	w := build(t, Limits{Shake: soon})
	tcp, err := net.Dial("tcp", w.addr.String()) // no TLS at all
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	tcp.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadAll(tcp); err != nil {
		t.Errorf("a client without a handshake: %v", err)
	}
}

// A slow origin is no slow client: the answer may take longer than any pause
// after the body is whole.
func TestLongPollOutlastsThePauses(t *testing.T) {
	const pause, longer = 300 * time.Millisecond, 700 * time.Millisecond
	w := build(t, Limits{Pause: pause})
	w.answer(func(rw http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		wait := time.NewTimer(longer)
		defer wait.Stop()
		select {
		case <-wait.C:
		case <-r.Context().Done():
			return
		}
		io.WriteString(rw, "first,")
		rw.(http.Flusher).Flush()
		wait.Reset(longer)
		select {
		case <-wait.C:
		case <-r.Context().Done():
			return
		}
		io.WriteString(rw, "second")
	})
	for _, h2 := range []bool{false, true} {
		resp, err := w.client(h2).Post(w.url("/ok"), "text/plain", strings.NewReader("body"))
		if err != nil {
			t.Fatalf("h2 %v: %v", h2, err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 || string(body) != "first,second" || err != nil {
			t.Errorf("h2 %v: %d %q %v", h2, resp.StatusCode, body, err)
		}
	}
}

// A client that does not read its answer loses it, and the origin is free.
func TestClientThatDoesNotRead(t *testing.T) {
	w := build(t, Limits{Pause: 50 * time.Millisecond})
	gone := make(chan struct{})
	w.answer(func(rw http.ResponseWriter, r *http.Request) {
		defer close(gone)
		block := make([]byte, 64<<10)
		for r.Context().Err() == nil {
			if _, err := rw.Write(block); err != nil {
				return
			}
		}
	})
	io.WriteString(w.raw(), "GET "+prefix(w.origin.URL)+"/ok HTTP/1.1\r\nHost: edge\r\n\r\n")
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the origin still writes")
	}
}

func TestTooMany(t *testing.T) {
	w := build(t, Limits{SourceRequests: 2, SourceConns: 3})
	enter, leave := make(chan struct{}, 9), make(chan struct{})
	w.answer(func(http.ResponseWriter, *http.Request) { enter <- struct{}{}; <-leave })
	get := "GET " + prefix(w.origin.URL) + "/ok HTTP/1.1\r\nHost: edge\r\n\r\n"
	a, b := w.raw(), w.raw()
	io.WriteString(a, get)
	io.WriteString(b, get)
	<-enter
	<-enter
	c := w.raw()
	io.WriteString(c, get)
	if answer := make([]byte, 12); true {
		io.ReadFull(c, answer)
		if string(answer) != "HTTP/1.1 503" {
			t.Errorf("a third request at once: %q", answer)
		}
	}
	d, err := net.Dial("tcp", w.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.SetDeadline(time.Now().Add(10 * time.Second))
	if n, err := d.Read(make([]byte, 1)); n != 0 || err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("a fourth connection: %d, %v", n, err)
	}
	close(leave)
	a.Close()
	b.Close()
	c.Close()
	eventually(t, "the connections are forgotten", func() bool {
		return w.gate.conns.Load() == 0
	})
	if n := lines(w.log.String(), "gate is full"); n != 1 {
		t.Errorf("%d lines about a full gate, want 1 in ten seconds", n)
	}
}

// A slowClient stops in the middle; want is the answer, 0: none.
type slowClient struct {
	name, text string
	want       int
}

// slow has clients be answered and shut out, one after the other.
func slow(t *testing.T, limits Limits, clients []slowClient) {
	t.Helper()
	w := build(t, limits)
	for _, c := range clients {
		conn := w.raw()
		io.WriteString(conn, strings.ReplaceAll(c.text, "{own}", prefix(w.origin.URL)))
		answer, err := io.ReadAll(conn) // until the gate closes
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if want := fmt.Sprintf("HTTP/1.1 %d ", c.want); c.want != 0 && !strings.HasPrefix(string(answer), want) || c.want == 0 && strings.Contains(string(answer), "200") {
			t.Errorf("%s: answer %.60q", c.name, answer)
		}
	}
	eventually(t, "nothing is in progress", func() bool { return w.requestsNow() == 0 })
}

// TestRanges: some parts of a resource may be asked for, a flood of them not.
func TestRanges(t *testing.T) {
	w := build(t, Limits{})
	got := make(chan string, 1)
	w.answer(func(_ http.ResponseWriter, r *http.Request) { got <- r.Header.Get("Range") })
	for asked, want := range map[string]string{
		"bytes=0-499": "bytes=0-499", "bytes=0-0,-1": "bytes=0-0,-1",
		"bytes=0-" + strings.Repeat(",0-", maxRanges): "",
	} {
		req, _ := http.NewRequest("GET", w.url("/ok"), nil)
		req.Header.Set("Range", asked)
		if status, _, _ := w.do(req); status != 200 {
			t.Fatalf("status %d", status)
		}
		if is := <-got; is != want {
			t.Errorf("%.40s: the origin is asked for %.40q", asked, is)
		}
	}
}
