package httpproxy

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// notes is a Tap that keeps the first line of each text.
type notes struct {
	mu  sync.Mutex
	got []string
}

func (n *notes) Active() bool { return true }

func (n *notes) Exchange(trace, user, peer string, sent bool, text []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	line, _, _ := strings.Cut(string(text), "\r\n")
	direction := "in"
	if sent {
		direction = "out"
	}
	n.got = append(n.got, strings.Join([]string{trace, user, direction, line}, " "))
}

func TestTap(t *testing.T) {
	w := build(t, Limits{})
	edge, core := &notes{}, &notes{}
	w.gate.tap.to, w.server.tap.to = edge, core
	own := prefix(w.origin.URL)
	for _, path := range []string{"/ok", "/no"} {
		req, _ := http.NewRequest("GET", w.url(path), nil)
		req.SetBasicAuth("alice", "secret")
		w.do(req)
	}
	if want := []string{
		"1 alice in GET " + own + "/ok HTTP/1.1", "1 alice out HTTP/1.1 200 OK",
		"2 alice in GET " + own + "/no HTTP/1.1", "2 alice out HTTP/1.1 403 Forbidden",
	}; !slices.Equal(edge.got, want) {
		t.Errorf("edge noted %q, want %q", edge.got, want)
	}
	if want := []string{
		"1 alice out GET /ok HTTP/1.1", "1 alice in HTTP/1.1 200 OK",
		"2 alice in GET " + own + "/no HTTP/1.1", "2 alice out HTTP/1.1 403 Forbidden",
	}; !slices.Equal(core.got, want) {
		t.Errorf("core noted %q, want %q", core.got, want)
	}
}

func TestUserOf(t *testing.T) {
	for target, want := range map[string]string{
		"/x": "", "/b64/cucm-uds/user/alice/devices": "alice", "/b64/cucm-uds/user/alice": "alice", "/b64/cucm-uds/users?max=1": "",
		"/b64/cucm-uds/clusterUser?username=bob": "bob", "/b64/cucm-uds/clusterUser?email=c@example.com": "c@example.com", "/?%zz": "",
	} {
		r, err := http.NewRequest("GET", "http://edge"+target, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := userOf(r); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
}
