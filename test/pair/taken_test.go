package pair

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/allow"
	"sallyport/appliance/auth"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// TestTakenEdge has somebody take an edge: it has the edge's certificate and
// keys, speaks the link's language and says what it likes. What it gets from
// core is no more than its own users could have.
//
//	alice ──▶ edge ────────┐
//	                       core ──▶ registrar ──▶ carol
//	bob ────▶ taken edge ──┘
func TestTakenEdge(t *testing.T) {
	s := open(t, Config{})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	s.aliceRegisters(ctx)
	taken := s.takenEdge(ctx)
	const bobsLine = `<sip:bob@127.0.0.9:5061;transport=tls>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-000000000b0b>"`

	t.Run("a user of another edge", func(t *testing.T) {
		taken.refused(t, ctx, taken.message("alice", "b1"), "403 alice@example.com is not registered through this edge", "registered caller")
		taken.refused(t, ctx, taken.message("alice", ""), "403 alice@example.com is not registered through this edge", "registered caller")
	})
	t.Run("a registration for somebody else", func(t *testing.T) {
		m := taken.request("REGISTER sip:example.com", "bob", "b1")
		m.Set("From", "<sip:alice@example.com>;tag=1")
		taken.refused(t, ctx, m, "403 Only bob@example.com itself may register", "identity")
	})
	if got := taken.register(t, ctx, "bob", "b1", bobsLine); got != "200 OK" {
		t.Fatal("bob: ", got)
	}
	t.Run("its own user", func(t *testing.T) {
		m := taken.message("bob", "b1")
		m.Set("P-Asserted-Identity", "<sip:boss@example.com>")
		m.Set("Diversion", "<sip:boss@example.com>")
		if got := taken.answer(t, ctx, m); got != "200 OK" {
			t.Error(got)
		}
		saw, err := s.saw(ctx, "MESSAGE", []string{"From", "P-Asserted-Identity", "Diversion"})
		if err != nil || !strings.Contains(saw, "bob@example.com") || strings.Contains(saw, "boss") {
			t.Errorf("%v, registrar saw %s", err, saw)
		}
	})
	t.Run("another by its user's binding", func(t *testing.T) {
		taken.refused(t, ctx, taken.message("alice", "b1"), "403 alice@example.com is not registered there", "registered caller")
		taken.refused(t, ctx, taken.message("bob", "b2"), "403 bob@example.com is not registered through this edge", "registered caller")
	})
	t.Run("another line", func(t *testing.T) {
		m := taken.request("INVITE sip:carol@example.com", "bob", "b1")
		m.Set("Contact", "<sip:alice@127.0.0.9:5061>")
		taken.refused(t, ctx, m, "403 Contact is not of the line that bob@example.com registered", "caller's contact")
	})
	t.Run("a dialog's token", func(t *testing.T) { taken.usesToken(t, ctx, bobsLine) })
	t.Run("after the registration", func(t *testing.T) {
		m := taken.request("REGISTER sip:example.com", "bob", "b1")
		m.Set("Contact", bobsLine)
		m.Set("Expires", "0")
		if got := taken.proves(t, ctx, m); got != "200 OK" {
			t.Fatal(got)
		}
		taken.refused(t, ctx, taken.message("bob", "b1"), "403 bob@example.com is not registered through this edge", "registered caller")
	})
	t.Run("another domain", func(t *testing.T) {
		s.shell(ctx, "core", `xConfiguration Zones Zone 7 TraversalClient Domains: "branch.example, other.example"`)
		taken.otherDomain(t, ctx)
		s.shell(ctx, "core", `xConfiguration Zones Zone 7 TraversalClient Domains: ""`)
	})
	t.Run("fall-back", func(t *testing.T) {
		s.shell(ctx, "core", `xConfiguration Zones Zone 7 TraversalClient Callers: Domain`)
		if got := taken.answer(t, ctx, taken.message("alice", "b1")); got != "200 OK" {
			t.Error(got)
		}
		m := taken.message("alice", "b1")
		m.Set("From", "<sip:alice@elsewhere.example>;tag=1")
		taken.refused(t, ctx, m, "403 The sender's domain is not served here", "SIP Domain")
	})
}

// takenEdge is what somebody made of an edge: its end of the link, and nothing
// that edge would check.
type takenEdge struct {
	*traversal.Links
	s       *stage
	mu      sync.Mutex
	waiting map[string]chan *sip.Message // by Call-ID
	calls   int
}

const takenZone = "Core"

func (s *stage) takenEdge(ctx context.Context) *takenEdge {
	s.Helper()
	at := netip.MustParseAddr(s.pair.at("1.9"))
	tr, err := trust.Open(s.TempDir(), nil)
	if err != nil {
		s.Fatal(err)
	}
	cert, key, err := s.pair.ca.Issue(trust.IssueOptions{IPs: []string{at.String()}, Server: true, Client: true})
	if err == nil {
		err = tr.InstallServer(cert, key)
	}
	if err == nil {
		err = tr.InstallCA(s.pair.CA)
	}
	if err != nil {
		s.Fatal(err)
	}
	host, err := tr.NodeKey(rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	e := &takenEdge{s: s, waiting: map[string]chan *sip.Message{}}
	e.Links = traversal.New(traversal.Config{
		Role: xapi.Edge, Log: slog.New(slog.DiscardHandler), Clock: time.Now, Rand: rand.Reader, HostKey: host,
		ServerTLS: func() *tls.Config { return tr.ServerConfig(trust.LinkServer) },
		OnMessage: func(_ *traversal.Conn, m *sip.Message, _ string) { e.took(m) },
	})
	running, stop := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { e.Run(running) })
	s.Cleanup(func() { stop(); wait.Wait() })
	if err := e.Apply(traversal.Plan{Node: "taken",
		Servers: []traversal.Server{{Zone: takenZone, Listen: netip.AddrPortFrom(at, 7001), VerifyName: true, SubjectName: CoreName}},
		Tunnels: []netip.AddrPort{netip.AddrPortFrom(at, 2222)}}); err != nil {
		s.Fatal(err)
	}
	for _, line := range []string{
		`xConfiguration Zones Zone 7 Name: "Taken"`,
		`xConfiguration Zones Zone 7 Type: TraversalClient`,
		`xConfiguration Zones Zone 7 TraversalClient Peer 1 Address: "` + at.String() + `"`,
	} {
		if got := s.shell(ctx, "core", line); !strings.Contains(got, "OK") {
			s.Fatal(line, got)
		}
	}
	if err := poll(ctx, func() error {
		_, err := e.Call(ctx, takenZone, 0, "presence.versions", nil)
		return err
	}); err != nil {
		s.Fatal(err)
	}
	return e
}

func (e *takenEdge) took(m *sip.Message) {
	if m.Request() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if to := e.waiting[m.CallID()]; to != nil && m.Status() >= 200 {
		select {
		case to <- m:
		default:
		}
	}
}

// request writes a request of a user for a binding.
func (e *takenEdge) request(line, user, binding string) *sip.Message {
	e.s.Helper()
	e.mu.Lock()
	e.calls++
	n := e.calls
	e.mu.Unlock()
	method, _, _ := strings.Cut(line, " ")
	to := "carol"
	if method == "REGISTER" {
		to = user
	}
	text := fmt.Sprintf("%s SIP/2.0\r\nVia: SIP/2.0/TLS taken.example;branch=z9hG4bKtaken%d\r\nMax-Forwards: 70\r\n"+
		"From: <sip:%s@example.com>;tag=t%d\r\nTo: <sip:%s@example.com>\r\nCall-ID: taken-%d\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
		line, n, user, n, to, n, method)
	m, fault := sip.Parse([]byte(text))
	if fault != nil {
		e.s.Fatal(fault)
	}
	if binding != "" {
		m.Set("X-Sallyport-Binding", binding)
	}
	m.Set("X-Sallyport-Trace", fmt.Sprintf("taken%d", n))
	return m
}

func (e *takenEdge) message(user, binding string) *sip.Message {
	return e.request("MESSAGE sip:carol@example.com", user, binding)
}

// exchange sends a request and waits for its final answer.
func (e *takenEdge) exchange(t *testing.T, ctx context.Context, m *sip.Message) *sip.Message {
	t.Helper()
	answer := make(chan *sip.Message, 1)
	e.mu.Lock()
	e.waiting[m.CallID()] = answer
	e.mu.Unlock()
	c, err := e.Conn(takenZone, 0, "")
	if err == nil {
		err = c.Send(m.Bytes())
	}
	if err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-answer:
		return got
	case <-ctx.Done():
		t.Fatalf("no answer to\n%s\n%s", m.Bytes(), e.s.tail(0))
		return nil
	}
}

func (e *takenEdge) answer(t *testing.T, ctx context.Context, m *sip.Message) string {
	t.Helper()
	got := e.exchange(t, ctx, m)
	return fmt.Sprintf("%d %s", got.Status(), got.Reason())
}

// refused holds that core refuses a request, and names the rule in its log.
func (e *takenEdge) refused(t *testing.T, ctx context.Context, m *sip.Message, want, rule string) {
	t.Helper()
	from := e.s.logged()
	if got := e.answer(t, ctx, m); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	log := e.s.tail(from)
	if !strings.Contains(log, "rule="+rule) && !strings.Contains(log, `rule="`+rule+`"`) {
		t.Errorf("the log does not name the rule %q:\n%s", rule, log)
	}
}

// register registers a user whose password somebody typed into a phone.
func (e *takenEdge) register(t *testing.T, ctx context.Context, user, binding, contact string) string {
	t.Helper()
	m := e.request("REGISTER sip:example.com", user, binding)
	m.Set("Contact", contact)
	m.Set("Expires", "600")
	return e.proves(t, ctx, m)
}

// proves sends a REGISTER and answers the registrar's challenge.
func (e *takenEdge) proves(t *testing.T, ctx context.Context, m *sip.Message) string {
	t.Helper()
	m.Set("Path", "<sip:e1.taken@taken.example;lr;ob>")
	m.Set("Supported", "path")
	asked := e.exchange(t, ctx, m)
	user, _, _ := strings.Cut(strings.TrimPrefix(m.Get("To"), "<sip:"), "@")
	proof, err := lab.Authorize(user, lab.Users()[user], "REGISTER", m.URI(), asked.Get("WWW-Authenticate"))
	if err != nil {
		t.Fatalf("%v: %s", err, asked.Bytes())
	}
	m = m.Clone()
	m.Set("Authorization", proof)
	m.Set("CSeq", "2 REGISTER")
	m.Set("Via", strings.Replace(m.Get("Via"), "z9hG4bK", "z9hG4bK2", 1))
	return e.answer(t, ctx, m)
}

// usesToken has a call of bob's give the taken edge one of core's route tokens,
// and tries what else that opens.
func (e *takenEdge) usesToken(t *testing.T, ctx context.Context, line string) {
	m := e.request("SUBSCRIBE sip:bob@example.com", "bob", "b1")
	m.Set("To", "<sip:bob@example.com>")
	m.Set("Event", "message-summary")
	m.Set("Expires", "60")
	m.Set("Contact", line)
	opened := e.exchange(t, ctx, m)
	routes := opened.Values("Record-Route")
	slices.Reverse(routes)
	if opened.Status() != 200 || len(routes) == 0 {
		t.Fatalf("%s", opened.Bytes())
	}
	within := func(user, callID, to string) *sip.Message {
		w := e.request("SUBSCRIBE "+strings.Trim(strings.Split(opened.Get("Contact"), ">")[0], "<"), user, "b1")
		w.Set("Event", "message-summary")
		w.Set("Expires", "0")
		w.Set("CSeq", "2 SUBSCRIBE")
		w.SetAll("Route", routes)
		w.Set("Call-ID", callID)
		w.Set("To", to)
		if user == "bob" {
			w.Set("From", opened.Get("From"))
		}
		return w
	}
	e.refused(t, ctx, within("bob", m.CallID(), "<sip:bob@example.com>"), "403 A new request comes without a route token", "route token")
	e.refused(t, ctx, within("bob", "another", opened.Get("To")), "403 Route token is not of this dialog", "route token")
	e.refused(t, ctx, within("alice", m.CallID(), opened.Get("To")), "403 alice@example.com is not part of this dialog", "route token")
	if got := e.answer(t, ctx, within("bob", m.CallID(), opened.Get("To"))); got != "200 OK" {
		t.Errorf("the dialog itself: %s", got)
	}
}

// otherDomain holds that an edge which serves other domains gets nothing of
// example.com's: no registration, no page, no chat, no password checked.
func (e *takenEdge) otherDomain(t *testing.T, ctx context.Context) {
	const rule = "Zones Zone TraversalClient Domains"
	e.refused(t, ctx, e.request("REGISTER sip:example.com", "bob", "b1"), "403 This edge does not serve example.com", rule)
	e.refused(t, ctx, e.message("bob", "b1"), "403 This edge does not serve example.com", rule)

	from := e.s.logged()
	stream, err := e.OpenStream(ctx, takenZone, "http")
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	target := allow.Target{Domain: Domain, Scheme: "https", Host: e.s.pair.WebServer(), Port: 8443}
	fmt.Fprintf(stream, "GET %s/open/index.html HTTP/1.1\r\nHost: edge\r\n\r\n", target.Prefix())
	got, err := http.ReadResponse(bufio.NewReader(stream), nil)
	if err != nil || got.StatusCode != 403 || !strings.Contains(e.s.tail(from), rule) {
		t.Errorf("page: %v %v\n%s", got, err, e.s.tail(from))
	}

	chat, err := e.OpenStream(ctx, takenZone, "xmpp")
	if err != nil {
		t.Fatal(err)
	}
	defer chat.Close()
	fmt.Fprintf(chat, `{"domain":"example.com"}`+"\n"+`<stream:stream to='example.com' version='1.0' xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>`)
	if text, _ := io.ReadAll(chat); !strings.Contains(string(text), "host-unknown") {
		t.Errorf("chat: %s", text)
	}

	q := auth.Question{Domain: Domain, Owner: "bob@example.com", Method: "REGISTER",
		Digest: auth.Digest{User: "bob", Realm: Domain, Nonce: "n", URI: "sip:example.com", Response: "r", Algorithm: auth.MD5}}
	out, err := e.Call(ctx, takenZone, 0, auth.MethodDigest, q.Encode())
	if a, bad := auth.DecodeAnswer(out); err != nil || bad != nil || !a.Off || a.Why != "this edge does not serve example.com" {
		t.Errorf("password: %s %v", out, err)
	}
	if out, err := e.Call(ctx, takenZone, 0, "login.ticket", []byte(`{"Domain":"example.com","Cookie":"x"}`)); err == nil {
		t.Errorf("ticket: %s", out)
	}
}

// TestTakenEdgeDelegated: where edge challenges, it names who registers. Core
// goes by what it saw proven to that very edge. If it has lost that, as a new
// core would, the user proves it once more and notices nothing.
func TestTakenEdgeDelegated(t *testing.T) {
	s := open(t, signIn("Delegated", 5060, registrar(openDoor)))
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	for _, line := range []string{
		`xCommand CredentialAdd Name: "alice" Password: "alice-secret"`, `xCommand CredentialAdd Name: "bob" Password: "bob-secret"`,
	} {
		if got := s.shell(ctx, "core", line); !strings.Contains(got, "OK") {
			t.Fatal(got)
		}
	}
	s.aliceRegisters(ctx)
	taken := s.takenEdge(ctx)
	m := taken.request("REGISTER sip:example.com", "alice", "b1")
	m.Set("Contact", "<sip:alice@127.0.0.9:5061>")
	m.Set("X-Sallyport-User", "alice")
	taken.refused(t, ctx, m, "403 alice did not sign in through this edge", "delegated sign-in")

	if err := s.pair.Stop("core"); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.pair.cfg.Dir, "core", "state.db")); err != nil {
		t.Fatal(err)
	}
	if err := s.pair.Start("core"); err != nil {
		t.Fatal(err)
	}
	if err := s.pair.AwaitLink(ctx); err != nil {
		t.Fatal(err)
	}
	from := s.logged()
	if err := s.phones["alice"].Register(ctx); err != nil {
		t.Error(err, s.tail(from))
	}
	if log := s.tail(from); !strings.Contains(log, "delegated sign-in") {
		t.Errorf("core never asked for another proof:\n%s", log)
	}
}

// aliceRegisters has a phone of hers come by the honest edge.
func (s *stage) aliceRegisters(ctx context.Context) {
	s.Helper()
	alice, err := s.pair.Phone("alice", 440)
	if err != nil {
		s.Fatal(err)
	}
	s.phones["alice"] = alice
	for _, step := range []func(context.Context) error{alice.Start, alice.Register} {
		if err := step(ctx); err != nil {
			s.Fatal(err)
		}
	}
}
