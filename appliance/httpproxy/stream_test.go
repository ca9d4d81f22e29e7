package httpproxy

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
)

func rawBase64(s string) string { return base64.RawStdEncoding.EncodeToString([]byte(s)) }

// Bodies stream in both directions: the far end has the first part before the
// near end has made the second.
func TestBodiesStream(t *testing.T) {
	w := build(t, Limits{})
	const size = 32 << 20
	first, got := make(chan struct{}), make(chan int64, 1)
	w.answer(func(_ http.ResponseWriter, r *http.Request) {
		io.ReadFull(r.Body, make([]byte, 5))
		close(first)
		n, _ := io.Copy(io.Discard, r.Body)
		got <- n + 5
	})
	for _, h2 := range []bool{false, true} {
		first = make(chan struct{})
		body, end := io.Pipe()
		var wait sync.WaitGroup
		wait.Go(func() {
			io.WriteString(end, "first")
			<-first
			end.Write(make([]byte, size))
			end.Close()
		})
		resp, err := w.client(h2).Post(w.url("/ok"), "application/octet-stream", body)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		wait.Wait()
		if n := <-got; n != size+5 || resp.StatusCode != 200 {
			t.Errorf("up, h2 %v: %d bytes, status %d", h2, n, resp.StatusCode)
		}
	}

	next := make(chan struct{})
	w.answer(func(rw http.ResponseWriter, _ *http.Request) {
		io.WriteString(rw, "first")
		rw.(http.Flusher).Flush()
		<-next
		rw.Write(make([]byte, size))
	})
	resp, err := w.client(false).Get(w.url("/ok"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.ReadFull(resp.Body, make([]byte, 5))
	close(next)
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("down: %d bytes, %v", n, err)
	}
}

func TestBodyTooLarge(t *testing.T) {
	w := build(t, Limits{BodyBytes: 1 << 10})
	for _, body := range []io.Reader{bytes.NewReader(make([]byte, 2<<10)), struct{ io.Reader }{bytes.NewReader(make([]byte, 2<<20))}} {
		req, _ := http.NewRequest("POST", w.url("/ok"), body)
		resp, err := w.client(false).Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Errorf("answer %d", resp.StatusCode)
		}
	}
}

func TestTrailersAndInterimAnswersStayInside(t *testing.T) {
	w := build(t, Limits{})
	w.answer(func(rw http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		rw.Header().Set("Link", "<http://inside/>; rel=preload")
		rw.WriteHeader(http.StatusEarlyHints)
		rw.Header().Del("Link")
		rw.Header().Set("Trailer", "X-Announced")
		io.WriteString(rw, "body")
		rw.(http.Flusher).Flush()
		rw.Header().Set("X-Announced", "1")
		rw.Header().Set(http.TrailerPrefix+"X-Sallyport-Trace", "1")
		rw.Header().Set(http.TrailerPrefix+"Set-Cookie", "X-Auth=1")
	})
	c := w.raw()
	io.WriteString(c, "POST "+prefix(w.origin.URL)+"/ok HTTP/1.1\r\nHost: edge\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n")
	answer, err := io.ReadAll(c)
	if err != nil {
		t.Fatal(err)
	}
	text := string(answer)
	if !strings.HasPrefix(text, "HTTP/1.1 200 ") || !strings.Contains(text, "body") {
		t.Errorf("answer %q", text)
	}
	for _, word := range []string{"103", "inside", "Announced", "Sallyport", "X-Auth", "Trailer"} {
		if strings.Contains(text, word) {
			t.Errorf("%q is in the answer: %q", word, text)
		}
	}
}

// A body that waits for 100 Continue is asked for only if the list lets the
// request through.
func TestExpectContinue(t *testing.T) {
	w := build(t, Limits{})
	for path, want := range map[string][]string{"/ok": {"HTTP/1.1 100", "HTTP/1.1 200"}, "/no": {"HTTP/1.1 403"}} {
		c := w.raw()
		io.WriteString(c, "POST "+prefix(w.origin.URL)+path+" HTTP/1.1\r\nHost: edge\r\nContent-Length: 4\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n")
		r := bufio.NewReader(c)
		var got []string
		for line, err := r.ReadString('\n'); err == nil; line, err = r.ReadString('\n') {
			if strings.HasPrefix(line, "HTTP/1.1 ") {
				got = append(got, line[:12])
			}
			if strings.HasPrefix(line, "HTTP/1.1 100") {
				io.WriteString(c, "body")
			}
		}
		if strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("%s: answers %q, want %q", path, got, want)
		}
	}
}

func TestClientThatLeavesFreesTheOrigin(t *testing.T) {
	w := build(t, Limits{})
	for _, h2 := range []bool{false, true} {
		begun, gone := make(chan struct{}), make(chan struct{})
		w.answer(func(rw http.ResponseWriter, r *http.Request) {
			rw.(http.Flusher).Flush()
			io.WriteString(rw, "x")
			rw.(http.Flusher).Flush()
			close(begun)
			<-r.Context().Done()
			close(gone)
		})
		resp, err := w.client(h2).Get(w.url("/ok"))
		if err != nil {
			t.Fatal(err)
		}
		<-begun
		resp.Body.Close()
		<-gone // or the test's own deadline
	}
	eventually(t, "nothing is in progress", func() bool { return w.requestsNow() == 0 })
}

// An origin that breaks off in the middle is seen to have broken off.
func TestBrokenAnswerIsNotWhole(t *testing.T) {
	w := build(t, Limits{})
	w.answer(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Length", "100")
		io.WriteString(rw, "part")
		rw.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	resp, err := w.client(false).Get(w.url("/ok"))
	if err != nil {
		return // broken before the header was out: as good
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("%q looks whole", b)
	}
}

// TestBodiesOfRefusedRequests: what a client sends with a request that is
// refused, by either node or by the origin before it has read it, is read away,
// so that the connection serves its next request.
func TestBodiesOfRefusedRequests(t *testing.T) {
	w := build(t, Limits{})
	w.answer(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			http.Error(rw, "no", http.StatusTeapot)
			return
		}
		io.WriteString(rw, "hello")
	})
	for what, head := range map[string]string{
		"denied by core":    "POST {own}/no HTTP/1.1\r\n",
		"refused at edge":   "PATCH {own}/ok HTTP/1.1\r\n",
		"refused by origin": "POST {own}/ok HTTP/1.1\r\n",
	} {
		for _, body := range []string{"Content-Length: 4\r\n\r\nbody", "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n"} {
			c := w.raw()
			r := bufio.NewReader(c)
			for i := range 3 {
				own := strings.ReplaceAll(head, "{own}", prefix(w.origin.URL))
				io.WriteString(c, own+"Host: edge\r\n"+body+"GET "+prefix(w.origin.URL)+"/ok HTTP/1.1\r\nHost: edge\r\n\r\n")
				for _, method := range []string{"POST", "GET"} {
					answer, err := http.ReadResponse(r, &http.Request{Method: method})
					if err != nil {
						t.Fatalf("%s, round %d, %s: %v", what, i, method, err)
					}
					io.Copy(io.Discard, answer.Body)
					if (answer.StatusCode == 200) != (method == "GET") {
						t.Fatalf("%s, round %d, %s: %d", what, i, method, answer.StatusCode)
					}
				}
			}
			c.Close()
		}
	}
	if strings.Contains(w.log.String(), "panic") {
		t.Error(w.log.String())
	}
}

// TestBodyThatComesLateIsNoRequest: of a refused request the body comes after the
// answer. It is never taken for a request of its own.
func TestBodyThatComesLateIsNoRequest(t *testing.T) {
	w := build(t, Limits{})
	for what, head := range map[string]string{"denied by core": "POST {own}/no HTTP/1.1\r\n", "refused at edge": "PATCH {own}/ok HTTP/1.1\r\n"} {
		own := prefix(w.origin.URL)
		body := "GET " + own + "/ok HTTP/1.1\r\nHost: edge\r\nConnection: close\r\n\r\n"
		for _, begun := range []int{0, 3} {
			c := w.raw()
			fmt.Fprintf(c, "%sHost: edge\r\nContent-Length: %d\r\n\r\n%s", strings.ReplaceAll(head, "{own}", own), len(body), body[:begun])
			r := bufio.NewReader(c)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			io.WriteString(c, body[begun:]) // fails where the connection ended
			c.CloseWrite()
			if more, _ := io.ReadAll(r); len(more) > 0 {
				t.Errorf("%s, %d bytes at once: %q", what, begun, more)
			}
		}
	}
	if seen := w.took(); len(seen) > 0 {
		t.Errorf("origin saw %v", seen)
	}
}
