package httpproxy

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// ends feeds b in pieces of n bytes and returns the offsets at which requests
// ended, and whether all of b was good.
func ends(b []byte, n int) (at []int, ok bool) {
	var f framing
	for i := 0; i < len(b); i += n {
		piece := b[i:min(i+n, len(b))]
		if n == 1 && f.at == atRequest && len(f.line) == 0 && !f.cr && i > 0 {
			at = append(at, i)
		}
		if f.feed(piece) < len(piece) {
			return at, false
		}
	}
	if f.at == atRequest && len(f.line) == 0 && !f.cr && len(b) > 0 {
		at = append(at, len(b))
	}
	return at, true
}

func wire(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

func TestFramingPasses(t *testing.T) {
	for name, stream := range map[string]string{
		"plain":        wire("GET / HTTP/1.1", "Host: a", ""),
		"old":          wire("GET / HTTP/1.0", ""),
		"pipelined":    wire("GET / HTTP/1.1", "Host: a", "", "GET /b HTTP/1.1", "Host: a", ""),
		"body":         wire("POST / HTTP/1.1", "Host: a", "Content-Length: 5", "") + "ab\nc\x00" + wire("GET / HTTP/1.1", "Host: a", ""),
		"empty body":   wire("POST / HTTP/1.1", "Host: a", "Content-Length:0", ""),
		"chunked":      wire("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "", "5", "ab\r\nc", "0A", "0123456789", "0", ""),
		"no chunks":    wire("POST / HTTP/1.1", "Host: a", "transfer-encoding:  Chunked ", "", "0", "") + wire("GET / HTTP/1.1", "Host: a", ""),
		"text in UTF8": wire("GET / HTTP/1.1", "Host: a", "X-Name: Zoë\t", ""),
	} {
		for _, n := range []int{1, 2, 7, len(stream)} {
			if at, ok := ends([]byte(stream), n); !ok || at[len(at)-1] != len(stream) {
				t.Errorf("%s in pieces of %d: ended at %v of %d, good %v", name, n, at, len(stream), ok)
			}
		}
	}
}

// smuggling is what two servers in a row have been known to read differently.
// None of it may reach a handler.
func smuggling() map[string]string {
	post := func(fields ...string) string {
		return wire(append([]string{"POST / HTTP/1.1", "Host: a"}, fields...)...)
	}
	return map[string]string{
		"CL.TE":                   post("Content-Length: 6", "Transfer-Encoding: chunked", "", "0", "", "G"),
		"TE.CL":                   post("Transfer-Encoding: chunked", "Content-Length: 3", "", "1", "a", "0", ""),
		"TE.TE":                   post("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "", "0", ""),
		"TE list":                 post("Transfer-Encoding: gzip, chunked", "", "0", ""),
		"TE other":                post("Transfer-Encoding: xchunked", "", "0", ""),
		"TE quoted":               post(`Transfer-Encoding: "chunked"`, "", "0", ""),
		"TE vertical tab":         post("Transfer-Encoding: \vchunked", "", "0", ""),
		"TE space before colon":   post("Transfer-Encoding : chunked", "", "0", ""),
		"TE tab before colon":     post("Transfer-Encoding\t: chunked", "", "0", ""),
		"TE folded":               post("Transfer-Encoding:", " chunked", "", "0", ""),
		"TE leading space":        post(" Transfer-Encoding: chunked", "", "0", ""),
		"TE old":                  wire("POST / HTTP/1.0", "Host: a", "Transfer-Encoding: chunked", "", "0", ""),
		"CL twice":                post("Content-Length: 1", "Content-Length: 1", "", "a"),
		"CL list":                 post("Content-Length: 1, 1", "", "a"),
		"CL plus":                 post("Content-Length: +1", "", "a"),
		"CL minus":                post("Content-Length: -1", ""),
		"CL hex":                  post("Content-Length: 0x1", "", "a"),
		"CL empty":                post("Content-Length:", ""),
		"CL huge":                 post("Content-Length: 18446744073709551617", "", "a"),
		"CL inner space":          post("Content-Length: 1 1", "", "a"),
		"bare LF":                 "GET / HTTP/1.1\nHost: a\n\n",
		"bare LF in header":       "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
		"bare CR":                 "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
		"NUL":                     post("X: a\x00b", ""),
		"no colon":                post("X", ""),
		"no name":                 post(": x", ""),
		"odd name":                post("X(Y): z", ""),
		"name beyond ASCII":       post("Ü: z", ""),
		"two spaces":              wire("GET  / HTTP/1.1", "Host: a", ""),
		"tab in request line":     wire("GET\t/ HTTP/1.1", "Host: a", ""),
		"space in target":         wire("GET / b HTTP/1.1", "Host: a", ""),
		"target beyond ASCII":     wire("GET /\xc0\xae HTTP/1.1", "Host: a", ""),
		"no version":              wire("GET /", ""),
		"version 2":               wire("GET / HTTP/2.0", "Host: a", ""),
		"version 1.10":            wire("GET / HTTP/1.10", "Host: a", ""),
		"empty line first":        "\r\n" + wire("GET / HTTP/1.1", "Host: a", ""),
		"chunk extension":         post("Transfer-Encoding: chunked", "", "1;a=b", "a", "0", ""),
		"chunk LF":                post("Transfer-Encoding: chunked", "") + "1\na\r\n0\r\n\r\n",
		"chunk size hex mark":     post("Transfer-Encoding: chunked", "", "0x1", "a", "0", ""),
		"chunk size space":        post("Transfer-Encoding: chunked", "", "1 ", "a", "0", ""),
		"chunk size empty":        post("Transfer-Encoding: chunked", "", "", "a"),
		"chunk size wraps":        post("Transfer-Encoding: chunked", "", "10000000000000001", "a", "0", ""),
		"chunk longer than size":  post("Transfer-Encoding: chunked", "", "1", "ab", "0", ""),
		"trailer":                 post("Transfer-Encoding: chunked", "", "0", "X: y", ""),
		"preface of HTTP/2":       "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"too many fields":         post(append(slices.Repeat([]string{"X: y"}, maxFields), "")...),
		"line that never ends":    "GET /" + strings.Repeat("a", 2*maxFramingLine),
		"upgrade to HTTP/2 is no": wire("GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: h2c\x7f", ""),
	}
}

func TestFramingRefuses(t *testing.T) {
	for name, stream := range smuggling() {
		for _, n := range []int{1, 5, len(stream)} {
			if _, ok := ends([]byte(stream), n); ok {
				t.Errorf("%s passed in pieces of %d:\n%q", name, n, stream)
			}
		}
	}
}

// FuzzFraming holds the gate's reader against net/http's: where ours lets a
// stream pass, both see the same requests end at the same bytes, and what ours
// lets pass in one piece it lets pass in any.
func FuzzFraming(f *testing.F) {
	for _, stream := range smuggling() {
		f.Add([]byte(stream))
		f.Add([]byte(wire("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "") + "abc" + stream))
		f.Add([]byte(wire("POST / HTTP/1.1", "Host: a", "Transfer-Encoding: chunked", "", "3", "abc", "0", "") + stream))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		ours, good := ends(stream, 1)
		if _, whole := ends(stream, max(1, len(stream))); whole != good {
			t.Fatalf("good %v in one piece, %v in many", whole, good)
		}
		theirs := netHTTPEnds(stream)
		for i := range min(len(ours), len(theirs)) {
			if ours[i] != theirs[i] {
				t.Fatalf("request %d ends at %d for us, at %d for net/http\n%q", i, ours[i], theirs[i], stream)
			}
		}
		if len(theirs) > len(ours) && good {
			t.Fatalf("net/http reads %d requests where we read %d\n%q", len(theirs), len(ours), stream)
		}
	})
}

func netHTTPEnds(stream []byte) (at []int) {
	src := bytes.NewReader(stream)
	r := bufio.NewReader(src)
	for {
		req, err := http.ReadRequest(r)
		if err != nil {
			return at
		}
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return at
		}
		at = append(at, len(stream)-src.Len()-r.Buffered())
	}
}

func TestFramingReadsFromAConnection(t *testing.T) {
	stream := wire("POST / HTTP/1.1", "Host: a", "Content-Length: 3", "") + "abc"
	var f framing
	r := iotest.OneByteReader(strings.NewReader(stream))
	for b := make([]byte, 8); ; {
		n, err := r.Read(b)
		if f.feed(b[:n]) != n {
			t.Fatal("refused")
		}
		if err != nil {
			break
		}
	}
}

// strictServer is a TLS server behind the secure listener. It says for each
// request which protocol it came by.
func strictServer(t *testing.T, patience time.Duration) (addr string, client *http.Client, handled func() []string) {
	t.Helper()
	seen := make(chan string, 1000)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "damaged", http.StatusBadRequest)
			return
		}
		seen <- r.Method + " " + r.RequestURI + " " + string(body)
		fmt.Fprint(w, r.Proto, " ", r.TLS != nil, " ", len(body))
	}))
	s.EnableHTTP2 = true
	s.StartTLS() // for its certificate; the listener is ours
	s.Listener.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	config := s.TLS.Clone()
	config.NextProtos = []string{"h2", "http/1.1"}
	front := newSecure(l, config, patience)
	server := &http.Server{Handler: s.Config.Handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error)
	go func() { done <- server.Serve(front) }()
	t.Cleanup(func() {
		s.Client().CloseIdleConnections()
		server.Close()
		<-done
		s.Close()
	})
	return l.Addr().String(), s.Client(), func() (all []string) {
		for {
			select {
			case one := <-seen:
				all = append(all, one)
			default:
				return all
			}
		}
	}
}

func TestStrictServerSpeaksBoth(t *testing.T) {
	addr, client, _ := strictServer(t, 10*time.Second)
	for proto, setup := range map[string]func(*http.Transport){
		"HTTP/2.0": func(*http.Transport) {},
		"HTTP/1.1": func(tr *http.Transport) {
			tr.TLSClientConfig.NextProtos = nil
			tr.Protocols = new(http.Protocols)
			tr.Protocols.SetHTTP1(true)
		},
	} {
		tr := client.Transport.(*http.Transport).Clone()
		setup(tr)
		c := &http.Client{Transport: tr}
		for range 3 {
			r, err := c.Post("https://"+addr+"/", "text/plain", io.MultiReader(strings.NewReader(strings.Repeat("x", 100_000))))
			if err != nil {
				t.Fatal(proto, err)
			}
			b, _ := io.ReadAll(r.Body)
			r.Body.Close()
			if got, want := string(b), proto+" true 100000"; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		tr.CloseIdleConnections()
	}
}

func dialTLS(t *testing.T, addr string) *tls.Conn {
	t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c
}

func TestNothingIsSmuggled(t *testing.T) {
	addr, _, handled := strictServer(t, 10*time.Second)
	good := wire("GET /first HTTP/1.1", "Host: a", "")
	for name, stream := range smuggling() {
		c := dialTLS(t, addr)
		io.WriteString(c, good+stream+wire("GET /smuggled HTTP/1.1", "Host: a", ""))
		answers, _ := io.ReadAll(c)
		if n := bytes.Count(answers, []byte("HTTP/1.1 200")); n != 1 {
			t.Errorf("%s: %d requests were answered, want the first only\n%s", name, n, answers)
		}
		if got := handled(); len(got) != 1 || got[0] != "GET /first " {
			t.Errorf("%s: the handler saw %q", name, got)
		}
	}
}

func TestRefusedInPlainWords(t *testing.T) {
	addr, _, _ := strictServer(t, 10*time.Second)
	c := dialTLS(t, addr)
	io.WriteString(c, smuggling()["CL.TE"])
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || r.StatusCode != http.StatusBadRequest || !r.Close {
		t.Fatalf("%v, %v; want 400 and a close", r, err)
	}
}

func TestSlowHandshakeHoldsNobodyUp(t *testing.T) {
	addr, client, _ := strictServer(t, 200*time.Millisecond)
	silent, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	r, err := client.Get("https://" + addr + "/")
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	_ = silent.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := silent.Read(make([]byte, 1)); err != io.EOF && !strings.Contains(err.Error(), "reset") {
		t.Errorf("silent client: %v, want it to be cut off", err)
	}
}

func TestCloseEndsHandshakes(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := newSecure(l, &tls.Config{}, time.Hour)
	done := make(chan error)
	go func() { _, err := s.Accept(); done <- err }()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s.Close()
	if err := <-done; err != net.ErrClosed {
		t.Errorf("Accept: %v, want net.ErrClosed", err)
	}
	if _, err := s.Accept(); err != net.ErrClosed {
		t.Errorf("Accept after Close: %v", err)
	}
}
