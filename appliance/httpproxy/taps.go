package httpproxy

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
)

// Tap sees the requests and answers of whoever is traced, without their
// bodies. It keeps nothing of text.
type Tap interface {
	Active() bool
	Exchange(trace, user, peer string, sent bool, text []byte)
}

// tap is a Tap that may be missing.
type tap struct{ to Tap }

func (t tap) on() bool { return t.to != nil && t.to.Active() }

func (t tap) request(trace, user, peer string, sent bool, r *http.Request) {
	if !t.on() {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/%d.%d\r\nHost: %s\r\n", r.Method, r.URL.RequestURI(), r.ProtoMajor, r.ProtoMinor, r.Host)
	_ = r.Header.Write(&b) // a bytes.Buffer takes everything
	t.to.Exchange(trace, user, peer, sent, b.Bytes())
}

func (t tap) answer(trace, user, peer string, sent bool, status int, h http.Header) {
	if !t.on() {
		return
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", status, http.StatusText(status))
	_ = h.Write(&b)
	t.to.Exchange(trace, user, peer, sent, b.Bytes())
}

// userOf is whom a request says it is for: its Basic credentials, or the user
// that the inside servers' own interfaces name in path or query. Nothing is
// decided by it; it only lets logs and traces be found.
func userOf(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	if _, rest, ok := strings.Cut(r.URL.Path, "/cucm-uds/user/"); ok {
		user, _, _ := strings.Cut(rest, "/")
		return user
	}
	if r.URL.RawQuery == "" {
		return ""
	}
	q := r.URL.Query()
	if user := q.Get("username"); user != "" {
		return user
	}
	return q.Get("email")
}
