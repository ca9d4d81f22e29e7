package httpproxy

import (
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"sallyport/appliance/state"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// hand is a clock that a test moves.
type hand struct{ now time.Time }

func newHand() *hand                 { return &hand{time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)} }
func (h *hand) clock() time.Time     { return h.now }
func (h *hand) pass(d time.Duration) { h.now = h.now.Add(d) }
func (h *hand) store() *state.Store  { s, _ := state.Open("", h.clock); return s }
func (h *hand) sessions() *sessions  { return newSessions(h.store(), h.clock) }
func (h *hand) login(u string) record {
	return record{As: u, Session: Session{User: u, Deployment: 1, Begun: h.now}}
}

func TestCookieDomain(t *testing.T) {
	for host, want := range map[string]string{
		"edge.example.com":     "example.com",
		"edge.sub.example.com": "sub.example.com",
		"edge.corp.internal":   "corp.internal",
		"example.com":          "", // its parent is a public suffix
		"edge.co.uk":           "",
		"edge.github.io":       "",
		"localhost":            "",
		"192.0.2.1":            "",
		"2001:db8::1":          "",
		"":                     "",
		"edge.":                "",
	} {
		if got := CookieDomain(host); got != want {
			t.Errorf("%s: %q, want %q", host, got, want)
		}
	}
}

func TestHostName(t *testing.T) {
	for header, want := range map[string]string{
		"Edge.Example.com:8443": "edge.example.com", "edge.example.com.": "edge.example.com", "[2001:db8::1]:8443": "2001:db8::1",
		"[::ffff:192.0.2.1]": "192.0.2.1", "": "",
	} {
		if got := HostName(header); got != want {
			t.Errorf("%s: %q, want %q", header, got, want)
		}
	}
}

func TestFaceThereAndBack(t *testing.T) {
	f := Face{Host: "edge.example.com", Cookie: "example.com", HTTPS: 8443, SIP: 5061, XMPP: 5222, Route: "<sip:e1.A+/=&%@x;lr>", Core: 1<<64 - 1, TURN: 3478, TURNTLS: true, TURNKey: "\x00key=&"}
	if got := parseFace(f.String()); got != f {
		t.Errorf("%+v became %+v", f, got)
	}
	if got := parseFace("%zz"); got != (Face{}) {
		t.Errorf("rubbish became %+v", got)
	}
}

func TestSessionLife(t *testing.T) {
	h := newHand()
	s := h.sessions()
	cookie, err := s.begin(h.login("alice"), "secret", 7, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if core, ok := parseCookie(cookie); !ok || core != 7 {
		t.Errorf("cookie %s is of core %d, %v", cookie, core, ok)
	}
	h.pass(30 * time.Minute)
	if r, ok := s.find(cookie, time.Hour); !ok || r.User != "alice" {
		t.Errorf("half an hour later: %+v, %v", r, ok)
	}
	if _, ok := s.find(cookie, 20*time.Minute); ok {
		t.Error("it outlives a shorter life")
	}
	if _, ok := s.newest(1, "ALICE", time.Hour); !ok {
		t.Error("the user has no login")
	}
	if _, ok := s.newest(2, "alice", time.Hour); ok {
		t.Error("the user has a login in another deployment")
	}
	h.pass(30 * time.Minute)
	if _, ok := s.find(cookie, time.Hour); ok {
		t.Error("it outlives its hour")
	}
	if now, most, total := s.counts(time.Hour); now != 0 || most != 1 || total != 1 {
		t.Errorf("counts %d %d %d", now, most, total)
	}
}

func TestSessionsOutliveARestart(t *testing.T) {
	h := newHand()
	store := h.store()
	cookie, err := newSessions(store, h.clock).begin(h.login("alice"), "secret", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := newSessions(store, h.clock)
	if _, ok := s.find(cookie, time.Hour); !ok {
		t.Error("the login is gone")
	}
	if _, ok := s.newest(1, "alice", time.Hour); !ok {
		t.Error("the user's list is gone")
	}
}

// TestLoginsOutliveAnEarlyQuestion asks for the counts of logins before there is
// a plan: a monitor may ask a node that just starts.
func TestLoginsOutliveAnEarlyQuestion(t *testing.T) {
	h := newHand()
	store := h.store()
	cookie, err := newSessions(store, h.clock).begin(h.login("alice"), "secret", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s := NewServer(ServerConfig{State: store, Clock: h.clock, Log: slog.New(slog.DiscardHandler)})
	s.ReportLogins(&xapi.Node{})
	if _, ok := s.sessions.find(cookie, time.Hour); !ok {
		t.Error("the login is gone")
	}
}

func TestSessionsOfOneUserAreBounded(t *testing.T) {
	h := newHand()
	s := h.sessions()
	var cookies []string
	for range maxUserSessions + 3 {
		cookie, err := s.begin(h.login("alice"), "x", 0, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		cookies = append(cookies, cookie)
		h.pass(time.Second)
	}
	for i, cookie := range cookies {
		if _, ok := s.find(cookie, time.Hour); ok != (i >= 3) {
			t.Errorf("login %d: %v", i, ok)
		}
	}
}

func TestGuessingWithACookieEndsIt(t *testing.T) {
	h := newHand()
	s := h.sessions()
	r := h.login("alice")
	cookie, err := s.begin(r, "secret", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range maxWrong - 1 {
		s.wrong(r, cookie)
	}
	if _, ok := s.find(cookie, time.Hour); !ok {
		t.Fatal("it ended too early")
	}
	s.wrong(r, cookie)
	if _, ok := s.find(cookie, time.Hour); ok {
		t.Error("it goes on")
	}
}

func TestAilingHeals(t *testing.T) {
	h := newHand()
	a := &ailing{clock: h.clock, until: map[string]time.Time{}}
	nodes := []uc.Node{{Host: "a"}, {Host: "b"}, {Host: "c", Down: true}}
	expect := func(when, want string) {
		t.Helper()
		got := ""
		for _, n := range a.answering(nodes) {
			got += n.Host
		}
		if got != want {
			t.Errorf("%s: %s, want %s", when, got, want)
		}
	}
	expect("at first", "ab")
	a.failed("a")
	expect("a failed", "b")
	a.failed("b")
	expect("all failed", "abc")
	a.answered("a")
	expect("a is back", "a")
	h.pass(ailingFor)
	expect("later", "ab")
	a.failed("a")
	a.keep(map[string]string{"b": "1"})
	if _, known := a.until["a"]; known {
		t.Errorf("still remembered: %v", a.until)
	}
}

func TestTickets(t *testing.T) {
	h := newHand()
	ts := &tickets{clock: h.clock}
	k := keyOfTicket("example.com", "c")
	ts.put(k, Ticket{Needed: true, User: "alice", Expires: h.now.Add(10 * time.Second)})
	if got, ok := ts.get(k); !ok || got.User != "alice" {
		t.Errorf("%+v, %v", got, ok)
	}
	if _, ok := ts.get(keyOfTicket("example.co", "mc")); ok {
		t.Error("domain and cookie run together")
	}
	h.pass(10 * time.Second)
	if _, ok := ts.get(k); ok {
		t.Error("it outlives the login")
	}
	ts.put(k, Ticket{})
	h.pass(ticketLife)
	if _, ok := ts.get(k); ok {
		t.Error("it is kept too long")
	}
	for i := range maxTickets + 10 {
		ts.put(keyOfTicket("d", time.Duration(i).String()), Ticket{})
	}
	if len(ts.held) > maxTickets {
		t.Errorf("%d tickets are held", len(ts.held))
	}
}

func TestCredentials(t *testing.T) {
	for header, want := range map[string]credentials{
		"Basic YWxpY2U6c2VjcmV0": {user: "alice", password: "secret"},
		"basic YWxpY2U6YTpi":     {user: "alice", password: "a:b"},
		"Bearer abc.def":         {token: "abc.def"},
		"bearer  abc ":           {token: "abc"},
		"Basic Og==":             {}, // nobody
		"Basic YQphOmI=":         {}, // a line break in the name
		"Basic !":                {},
		"Bearer ":                {},
		"Digest x":               {},
		"":                       {},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		c, ok := credentialsOf(r)
		if ok != (want != credentials{}) || ok && c != want {
			t.Errorf("%q: %+v, %v", header, c, ok)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.Header["Authorization"] = []string{"Bearer a", "Bearer b"}
	if _, ok := credentialsOf(r); ok {
		t.Error("two headers count as one")
	}
}

func TestUDSAnswers(t *testing.T) {
	c, err := parseClusterUser([]byte(`<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<clusterUser version="15.0.1" uri="https://cucm1.example.com/cucm-uds/clusterUser?username=alice">
  <result found="true" uri="https://cucm1.example.com:8443/cucm-uds/user/al%20ice" version="15.0.1"/>
  <homeCluster serversUri="https://cucm1.example.com:8443/cucm-uds/servers"> cucm1.example.com
  </homeCluster><homeClusterDetails><adminProvisionMode>false</adminProvisionMode></homeClusterDetails></clusterUser>`))
	if err != nil || !c.Result.Found || c.Home != "cucm1.example.com" || c.id() != "al ice" {
		t.Errorf("%+v, %q, %v", c, c.id(), err)
	}
	if c, err := parseClusterUser([]byte(`<clusterUser><result found="false"/></clusterUser>`)); err != nil || c.Result.Found || c.id() != "" {
		t.Errorf("%+v, %v", c, err)
	}
	u, err := parseUser([]byte(`<user><imAndPresence><server>imp1</server><server> imp2 </server></imAndPresence></user>`))
	if err != nil || len(u.Presence) != 2 || u.Presence[1] != "imp2" {
		t.Errorf("%+v, %v", u, err)
	}
	for body, want := range map[string]SignOn{
		`<SSOResult version="1.0"><Response><SingleSignOn version="1.0"><Status enabled="true"/><Token enabled="true"/><Uri>https://x</Uri></SingleSignOn></Response></SSOResult>`: {true, true},
		`<x:Other xmlns:x="urn:x"><x:SingleSignOn><x:Status Enabled="x" enabled="TRUE"/></x:SingleSignOn></x:Other>`:                                                               {true, false},
		`<SingleSignOn><Status enabled="false"/></SingleSignOn>`:                                                                                                                   {},
	} {
		if got, err := parseSignOn([]byte(body)); err != nil || got != want {
			t.Errorf("%s: %+v, %v", body, got, err)
		}
	}
	for _, body := range []string{"", "<a>", "<a/>", "not found"} {
		if _, err := parseSignOn([]byte(body)); err == nil {
			t.Errorf("%q is an answer", body)
		}
	}
}

func TestHomeByShortNames(t *testing.T) {
	one := cluster{all: []uc.Node{{Host: "cucm1.example.com"}, {Host: "cucm2.example.com"}}}
	one.up = one.all[1:]
	two := cluster{all: []uc.Node{{Host: "far"}, {Host: "10.0.0.1"}}}
	two.up = two.all
	for host, want := range map[string]string{
		"cucm2.example.com": "cucm2.example.com", "CUCM1": "cucm2.example.com", "far.example.org": "far", "10.0.0.1": "10.0.0.1",
		"10": "", "cucm1.example.org": "", "other": "",
	} {
		got := ""
		if nodes := ownerOfHost([]cluster{one, two}, host); nodes != nil {
			got = nodes[0].Host
		}
		if got != want {
			t.Errorf("%s is at home at %q, want %q", host, got, want)
		}
	}
}

// TestClusters: nodes are grouped by publisher or zone, and what a zone and
// discovery say of one host counts together.
func TestClusters(t *testing.T) {
	cm := []uc.NodeType{uc.UnifiedCM}
	top, err := uc.New(uc.Facts{
		Deployments: []uc.Deployment{{ID: 2, Name: "Other"}},
		Nodes: []uc.Node{
			{Host: "a1", Zone: "A", Types: cm, Deployment: 1},
			{Host: "b1", Zone: "B", Types: cm, Deployment: 1},
			{Host: "b2", Zone: "B", Types: cm, Deployment: 1},
			{Host: "t1", Zone: "A", Types: []uc.NodeType{uc.TFTP}, Deployment: 1},
			{Host: "o1", Zone: "O", Types: cm, Deployment: 2},
			{Host: "a1", Types: cm, Publisher: "a1", Discovered: true, Down: true, Deployment: 1},
			{Host: "a2", Types: cm, Publisher: "a1", Discovered: true, Deployment: 1},
			{Host: "t1", Types: cm, Publisher: "a1", Discovered: true, Deployment: 1},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := newHand()
	s := &Server{ailing: &ailing{clock: h.clock, until: map[string]time.Time{}}}
	got := ""
	for _, c := range s.clusters(top, 1) {
		for _, nodes := range [][]uc.Node{c.all, c.up} {
			for _, n := range nodes {
				got += n.Host + " "
			}
			got += "/ "
		}
	}
	if want := "a1 t1 a2 / t1 a2 / b1 b2 / b1 b2 / "; got != want {
		t.Errorf("clusters %s, want %s", got, want)
	}
}

func TestOwnRecord(t *testing.T) {
	for path, want := range map[string]bool{
		"/cucm-uds/user/alice": true, "/cucm-uds/user/ALICE/devices": true, "/cucm-uds/user/bob": false, "/cucm-uds/user/alice;x": false,
		"/cucm-uds/user/%61lice": true, "/cucm-uds/users": true, "/cucm-uds/user/": false,
	} {
		if got := ownRecord(path, "alice"); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// FuzzCookie: a value is read only if core could have made it, and the same
// one.
func FuzzCookie(f *testing.F) {
	f.Add(newCookie(7, func([]byte) {}), "a=b; X-Auth=c")
	f.Add("", "X-Auth=; X-Auth=\"\"; x-auth=1")
	f.Add("", "b; X-Auth =")
	f.Fuzz(func(t *testing.T, value, header string) {
		if core, ok := parseCookie(value); ok && newCookie(core, func(b []byte) {})[:10] != value[:10] {
			t.Errorf("%q is read as of core %x", value, core)
		}
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Cookie", header)
		if got := cookiesOf(r); len(got) > maxCookies {
			t.Errorf("%d cookies", len(got))
		}
		dropCookie(r.Header, cookieName)
		if got := r.CookiesNamed(cookieName); len(got) != 0 {
			t.Errorf("left over of %q: %v", header, got)
		}
	})
}

// FuzzUDS: no answer of a server breaks its reader.
func FuzzUDS(f *testing.F) {
	f.Add([]byte(`<clusterUser><result found="true" uri="/user/%zz"/><homeCluster>x</homeCluster></clusterUser>`))
	f.Add([]byte(`<a><SingleSignOn><Status enabled="true"/></SingleSignOn>`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if c, err := parseClusterUser(body); err == nil {
			c.id()
		}
		_, _ = parseUser(body)
		if so, err := parseSignOn(body); err != nil && so != (SignOn{}) {
			t.Errorf("%+v with %v", so, err)
		}
	})
}
