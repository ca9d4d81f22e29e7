package xmpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

var impatient = Limits{Farewell: 200 * time.Millisecond}

func TestPlainPhaseRefuses(t *testing.T) {
	w := build(t, Limits{Farewell: 200 * time.Millisecond, Login: time.Second})
	for _, tc := range []struct{ name, say, condition string }{
		{"other domain", strings.Replace(clientHead, "example.com", "else.example", 1), condHostUnknown},
		{"no domain", strings.Replace(clientHead, "to='example.com'", "", 1), condHostUnknown},
		{"old version", strings.Replace(clientHead, "version='1.0' xmlns:", "xmlns:", 1), condVersion},
		{"no XMPP", "GET / HTTP/1.1\r\nHost: example.com\r\n\r\n<", condBadFormat},
		{"document type", "<!DOCTYPE x>", condRestricted},
		{"endless header", clientHead[:len(clientHead)-1] + " x='" + strings.Repeat("x", headSize), condPolicy},
		{"login in the clear", clientHead + plainAuth, condPolicy},
		{"stanza in the clear", clientHead + "<iq/>", condPolicy},
		{"injected", clientHead + askTLS + clientHead + "<iq type='set'/>", condPolicy},
		{"silent", "", condTimeout},
		{"slow", clientHead[:40], condTimeout},
		{"no TLS asked for", clientHead, condTimeout},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := w.dial()
			p.w = &world{T: t}
			p.send(tc.say)
			p.refused(tc.condition)
		})
	}
	w.logged("event=denied", "rule=policy-violation", "nothing may follow", "trace=")
}

func TestInjectedSpaceIsNothing(t *testing.T) {
	w := build(t, impatient)
	n := w.node(false)
	p := w.dial()
	p.send(clientHead + askTLS + "\n ")
	p.expect(openStream("*")[:21] + "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='*' from='example.com' version='1.0' xml:lang='en'>" + mustTLS + proceed)
	p.conn = tls.Client(p.conn, &tls.Config{RootCAs: w.roots, ServerName: "example.com"})
	p.send(clientHead)
	n.accept().expect(clientHead)
}

// Before the login nothing but SASL reaches a node.
func TestStrangersReachNothing(t *testing.T) {
	for _, say := range []string{
		"<iq type='set' id='r'><query xmlns='jabber:iq:register'/></iq>", "<iq type='set'><query xmlns='jabber:iq:auth'/></iq>",
		"<message to='bob@example.com'/>", askTLS, "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>",
		"<authenticate xmlns='urn:xmpp:sasl:2' mechanism='PLAIN'/>", "<resume xmlns='urn:xmpp:sm:3' previd='x' h='0'/>",
		"<auth xmlns='urn:other' mechanism='PLAIN'/>",
	} {
		w := build(t, impatient)
		n := w.node(false)
		client := w.secure()
		client.send(clientHead)
		inside := n.accept()
		inside.expect(clientHead)
		inside.send(nodeHead + mechs)
		client.expect(nodeHead + mechs)
		client.send(say)
		client.refused(condNotAuthorized)
		if got := inside.end(); got != "" {
			t.Errorf("%s: the node gets %q", say, got)
		}
		w.stop()
	}
}

func TestLoggedInClientsAreBounded(t *testing.T) {
	for _, tc := range []struct{ name, say, condition string }{
		{"large stanza", "<message><body>" + strings.Repeat("x", 10<<20) + "</body></message>", condPolicy},
		{"large attribute", "<message to='" + strings.Repeat("x", 1<<20), condPolicy},
		{"deep", strings.Repeat("<a>", 100), condPolicy},
		{"comment", "<message><!-- x --></message>", condRestricted},
		{"entities", "<message>&lol;</message>", condRestricted},
		{"compression", "<compress xmlns='http://jabber.org/protocol/compress'><method>zlib</method></compress>", condPolicy},
		{"STARTTLS again", askTLS, condPolicy},
		{"second header", clientHead, condRestricted},
		{"stream within", clientHead[21:], condNotWellFormed},
		{"bad UTF-8", "<message>\xc0\xaf</message>", condNotWellFormed},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w := build(t, Limits{Farewell: time.Second})
			n := w.node(true)
			client, inside := w.login(n)
			done := make(chan struct{})
			go func() {
				defer close(done)
				client.conn.Write([]byte(tc.say)) // cut off in the middle, maybe
			}()
			client.refused(tc.condition)
			<-done
			if got := inside.end(); got != "" {
				t.Errorf("the node gets %.100q of %d", got, len(got))
			}
			w.logged("event=denied", "rule="+tc.condition, "user=alice@example.com", "trace=1")
		})
	}
}

func TestStanzaMustComeToItsEnd(t *testing.T) {
	w := build(t, Limits{Stanza: 100 * time.Millisecond, Farewell: 100 * time.Millisecond})
	client, inside := w.login(w.node(false))
	client.send("<message>")
	client.refused(condTimeout)
	inside.end()
}

// A quiet client is sent spaces, and is not cut off for its silence.
func TestQuietClientIsPinged(t *testing.T) {
	w := build(t, Limits{Ping: 20 * time.Millisecond, Stanza: 50 * time.Millisecond, Login: 3 * time.Second})
	client, inside := w.login(w.node(false))
	client.expect("          ")
	inside.send("<message><body>half")
	client.expect("<message><body>half")
	time.Sleep(60 * time.Millisecond) // no space may come into the stanza now
	inside.send(" done</body></message>")
	client.expect(" done</body></message>")
	client.send("<r/>")
	inside.expect("<r/>")
}

func TestClientThatDoesNotReadIsCutOff(t *testing.T) {
	w := build(t, Limits{Write: 200 * time.Millisecond, Farewell: 100 * time.Millisecond})
	client, inside := w.login(w.node(false))
	inside.conn.SetWriteDeadline(time.Now().Add(20 * time.Second))
	chunk := []byte("<message>" + strings.Repeat("x", 100_000) + "</message>")
	var err error
	for err == nil {
		_, err = inside.conn.Write(chunk)
	}
	if nerr := net.Error(nil); errors.As(err, &nerr) && nerr.Timeout() {
		t.Error("the node is held up for ever")
	}
	client.conn.Close()
}

func TestFailedLogins(t *testing.T) {
	w := build(t, Limits{Failures: 3, Farewell: 200 * time.Millisecond})
	n := w.node(false)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.expect(clientHead)
	inside.send(nodeHead + mechs)
	client.expect(nodeHead + mechs)
	no := saslFailure("not-authorized")
	for range 2 {
		client.send(plainAuth)
		inside.expect(plainAuth)
		inside.send(no)
		client.expect(no)
	}
	client.send(plainAuth)
	inside.expect(plainAuth)
	inside.send(no)
	client.refused(condPolicy)
	w.logged("too many failed logins", "user=alice@example.com")
}

// Mechanisms that cannot work are no way round the count.
func TestImpossibleLoginsAreCounted(t *testing.T) {
	w := build(t, Limits{Failures: 3, Farewell: 200 * time.Millisecond})
	n := w.node(false)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.expect(clientHead)
	inside.send(nodeHead + mechs)
	client.expect(nodeHead + mechs)
	client.send(strings.Repeat(strings.Replace(plainAuth, "PLAIN", "EXTERNAL", 1), 3))
	no := saslFailure("invalid-mechanism")
	client.expect(no + no)
	client.refused(condPolicy)
	if got := inside.end(); got != "" {
		t.Errorf("the node gets %q", got)
	}
}

func TestTooManyConnections(t *testing.T) {
	w := build(t, Limits{SourceGuests: 3, SourceConns: 5, Farewell: 200 * time.Millisecond})
	var guests []*peer
	for range 3 {
		p := w.dial()
		p.send(clientHead)
		p.expect(openStreamPattern + mustTLS)
		guests = append(guests, p)
	}
	w.dial().refused(condResources)
	guests[0].conn.Close()
	eventually(t, "a guest has left", func() bool { return w.gate.guests.Load() == 2 })
	w.node(false)
	p := w.dial()
	p.send(clientHead)
	p.expect(openStreamPattern + mustTLS)
}

const openStreamPattern = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='*' from='example.com' version='1.0' xml:lang='en'>"

// 1,000 clients log in and stop: half within a stanza, half not reading. What
// they hold stays within the budget and small buffers.
func TestStalledClientsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("1,000 TLS clients take their time")
	}
	const clients = 1000
	l := Limits{SourceGuests: clients, SourceConns: clients + 1, Farewell: 50 * time.Millisecond, HeldBytes: 8 << 20, StanzaBytes: 1 << 20}.withDefaults()
	held := &budget{left: l.HeldBytes}
	base := heap()
	var all []*Splitter
	var refused int
	part := head + "<message><body>" + strings.Repeat("x", 200_000)
	for range clients {
		a, b := net.Pipe()
		go func() {
			a.Write([]byte(part))
			a.Close()
		}()
		s := NewSplitter(b, l.StanzaBytes)
		s.budget = held
		s.Next()
		_, err := s.Next()
		if f := asFault(err); f != nil && f.Condition == condResources {
			refused++
			b.Close()
		}
		all = append(all, s)
	}
	if refused < clients/2 {
		t.Errorf("%d of %d were refused", refused, clients)
	}
	if used := heap() - base; used > 3*int64(l.HeldBytes)+clients*64<<10 {
		t.Errorf("%d MB for %d clients", used>>20, clients)
	}
	for _, s := range all {
		s.let()
	}
	if held.left != l.HeldBytes {
		t.Errorf("%d bytes are left", held.left)
	}
}

// 1,000 clients whose nodes pour out what they do not read.
func TestUnreadStreamsAreBounded(t *testing.T) {
	if testing.Short() {
		t.Skip("1,000 clients take their time")
	}
	const clients = 1000
	base, before := heap(), runtime.NumGoroutine()
	var ends []net.Conn
	done := make(chan error, clients)
	for range clients {
		client, from := net.Pipe()
		to, node := net.Pipe()
		r := &relay{
			limits: Limits{Write: 20 * time.Second}.withDefaults(), client: NewSplitter(from, 1<<20), from: from,
			server: NewSplitter(to, 1<<20), to: to, toClient: &outlet{conn: from, wait: time.Minute}, count: &traffic{},
		}
		go func() { done <- r.run() }()
		go func() {
			var err error
			for err == nil {
				_, err = node.Write([]byte("<message>" + strings.Repeat("x", 50_000) + "</message>"))
			}
		}()
		ends = append(ends, client, node)
	}
	time.Sleep(300 * time.Millisecond) // let them fill up whatever there is to fill
	if used := heap() - base; used > clients*96<<10 {
		t.Errorf("%d KB for each of %d clients", used/clients>>10, clients)
	}
	for _, c := range ends {
		c.Close()
	}
	for range clients {
		<-done
	}
	eventually(t, "goroutines end", func() bool { return runtime.NumGoroutine() <= before })
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

func TestLinkDown(t *testing.T) {
	w := build(t, impatient)
	w.down.Store(true)
	client := w.secure()
	client.send(clientHead)
	client.refused(condRemoteFailed)
	w.logged("event=denied", "rule=remote-connection-failed")
}

func TestNodeLost(t *testing.T) {
	w := build(t, impatient)
	client, inside := w.login(w.node(true))
	inside.conn.Close()
	client.refused(condRemoteFailed)
}

func TestNodeLostWithinStanza(t *testing.T) {
	w := build(t, impatient)
	client, inside := w.login(w.node(false))
	inside.send("<message><bo")
	client.expect("<message><bo")
	inside.conn.Close()
	if got := client.end(); got != "" {
		t.Errorf("client is told %q within a stanza", got)
	}
}

// A client that vanishes is not said goodbye for: the node may keep its session
// for a resumption.
func TestClientLost(t *testing.T) {
	w := build(t, impatient)
	client, inside := w.login(w.node(true))
	client.conn.(*tls.Conn).NetConn().Close()
	if got := inside.end(); got != "" {
		t.Errorf("the node gets %q", got)
	}
}

func TestShutdownTells(t *testing.T) {
	w := build(t, impatient)
	client, inside := w.login(w.node(false))
	go w.stop()
	client.refused(condShutdown)
	inside.end()
}

func TestPlansChangeUnderStreams(t *testing.T) {
	w := build(t, impatient)
	n := w.node(false)
	first, inside := w.login(n)
	other := w.node(false)
	first.send("<presence/>")
	inside.expect("<presence/>") // a further node disturbs nobody
	w.server.Apply(Plan{Domains: map[string][]Node{"example.com": {other.as}}})
	first.refused(condReset)
	second, _ := w.login(other)
	w.gate.Apply(GatePlan{Listen: w.listens, Domains: map[string]string{"else.example": ""}})
	second.refused(condHostGone)
	p := w.dial()
	p.send(clientHead)
	p.refused(condHostUnknown)
	w.gate.Apply(GatePlan{})
	if c, err := net.Dial("tcp", w.addr.String()); err == nil {
		c.Close()
		t.Error("the gate still listens")
	}
}

// Clients agree on push when they sign in, so switching it ends their streams,
// and only then. What they say about push is the node's business.
func TestPushIsSwitched(t *testing.T) {
	w := build(t, impatient)
	n := w.node(false)
	plan := GatePlan{Listen: w.listens, Domains: map[string]string{"example.com": "zone 1"}}
	w.gate.Apply(plan)
	p, inside := w.login(n)
	enable := `<iq type='set' id='p1'><enable xmlns='urn:xmpp:push:0' jid='push.example.com' node='a&amp;b'><x xmlns='jabber:x:data' type='submit'><field var='service'><value>FCM</value></field></x></enable></iq>`
	p.send(enable)
	inside.expect(enable)
	w.gate.Apply(plan)
	p.send("<presence/>")
	inside.expect("<presence/>")
	plan.Fcm = true
	w.gate.Apply(plan)
	p.refused(condReset)
	again, inside := w.login(n)
	again.send(enable)
	inside.expect(enable)
}

// A core does not take edge's word for a domain, nor a stream that is to
// another one than edge says.
func TestCoreChecksAgain(t *testing.T) {
	w := build(t, impatient)
	n := w.node(false)
	for name, first := range map[string]string{
		"unknown domain": string(preamble{Domain: "else.example"}.line()) + strings.Replace(clientHead, "example.com", "else.example", 1),
		"other domain":   string(preamble{Domain: "example.com"}.line()) + strings.Replace(clientHead, "example.com", "else.example", 1),
	} {
		link, _ := w.open(t.Context(), "zone 1")
		p := &peer{w, link, "edge"}
		p.send(first)
		p.refused(condHostUnknown)
		t.Log(name)
	}
	for _, bad := range []string{"no preamble\n", strings.Repeat("x", 2*maxPreamble)} {
		link, _ := w.open(t.Context(), "zone 1")
		link.SetDeadline(time.Now().Add(10 * time.Second))
		link.Write([]byte(bad))
		if b, err := io.ReadAll(link); len(b) > 0 || err != nil {
			t.Errorf("core answers %q, %v", b, err)
		}
	}
	n.l.(*net.TCPListener).SetDeadline(time.Now().Add(50 * time.Millisecond))
	if c, err := n.l.Accept(); err == nil {
		c.Close()
		t.Error("the node was called")
	}
}

func TestNodesTakeOver(t *testing.T) {
	told := make(chan string, 10)
	w := build(t, impatient, func(c *ServerConfig) {
		c.OnNode = func(n Node, err error) { told <- fmt.Sprint(n.Port, err == nil) }
	})
	dead := w.node(false)
	dead.l.Close()
	alive := w.node(false)
	w.login(alive)
	if got := <-told; got != fmt.Sprint(dead.as.Port, false) {
		t.Error(got)
	}
	if o := w.server.nodes.order(w.plan.Domains["example.com"]); o[0] != alive.as {
		t.Error("the dead node is asked first again")
	}
	w.server.Apply(Plan{Domains: map[string][]Node{"example.com": {alive.as}}})
	if got := <-told; got != fmt.Sprint(dead.as.Port, true) {
		t.Error(got)
	}
}

func TestNoNodeAnswers(t *testing.T) {
	w := build(t, impatient)
	client := w.secure()
	client.send(clientHead)
	client.refused(condRemoteFailed)
	w.logged("no node of the domain answers")
}

func TestNodeCertificate(t *testing.T) {
	w := build(t, impatient, func(c *ServerConfig) {
		c.TLS = func(Node, string) *tls.Config { return &tls.Config{ServerName: "example.com"} } // trusts nobody
	})
	n := w.node(true)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.conn.(*tls.Conn).Handshake()
	client.refused(condRemoteFailed)
	w.logged("msg=\"chat node\"", "TLS:")
}

// What a node sends along with its consent to TLS was not said by it for sure.
func TestNodeInjection(t *testing.T) {
	w := build(t, impatient)
	n := w.node(true)
	client := w.secure()
	client.send(clientHead)
	c, err := n.l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{w, c, "node"}
	p.expect(callStream("example.com"))
	p.send(nodeHead + mustTLS)
	p.expect(askTLS)
	p.send(proceed + nodeHead)
	client.refused(condRemoteFailed)
	c.Close()
	w.logged("no plain consent")
}

// A hint, a referral and a user's home each lead to another node of the domain,
// once, and the client sees one header.
func TestMoves(t *testing.T) {
	home := func(_ context.Context, _, user string) ([]string, error) {
		switch user {
		case "alice@example.com":
			return []string{"127.0.0.2"}, nil
		case "bob@example.com":
			return nil, errors.New("no session")
		}
		return nil, nil
	}
	hint := strings.Replace(mechs, "</mechanisms>", "<hostname xmlns='urn:xmpp:domain-based-name:0'>127.0.0.2</hostname></mechanisms>", 1)
	refer := "<stream:error><see-other-host xmlns='urn:ietf:params:xml:ns:xmpp-streams'>127.0.0.2:5222</see-other-host></stream:error></stream:stream>"
	for _, tc := range []struct {
		name, first string
		home        bool
	}{{"hint", nodeHead + hint, false}, {"referral", nodeHead + refer, false}, {"home", nodeHead + mechs, true}} {
		t.Run(tc.name, func(t *testing.T) {
			w := build(t, impatient, func(c *ServerConfig) {
				if tc.home {
					c.Home = home
				}
			})
			n := w.node(false)
			l, err := net.Listen("tcp", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.2"), 0).String())
			if err != nil {
				t.Skip("there is no 127.0.0.2 here")
			}
			defer l.Close()
			second := &node{w: w, l: l, as: Node{Host: "127.0.0.2", Port: uint16(l.Addr().(*net.TCPAddr).Port)}}
			w.plan.Domains["example.com"] = append(w.plan.Domains["example.com"], second.as)
			w.server.Apply(w.plan)
			client := w.secure()
			client.send(clientHead)
			inside := n.accept()
			inside.expect(clientHead)
			inside.send(tc.first)
			client.expect(nodeHead)
			if tc.home {
				client.expect(mechs)
				bob := strings.Replace(plainAuth, "AGFsaWNlAHNlY3JldA==", "AGJvYgB4", 1)
				client.send(bob)
				client.expect(saslFailure("not-authorized"))
				client.send(plainAuth)
			}
			home := second.accept()
			home.expect(clientHead)
			home.send(strings.Replace(nodeHead, "n1", "n2", 1) + mechs)
			if !tc.home {
				client.expect(mechs)
				client.send(plainAuth)
			}
			home.expect(plainAuth)
			home.send(success)
			client.expect(success)
			inside.end()
		})
	}
}

// TestNoLogin: whether a user has a live login shows to nobody without the
// password. Who has none reaches no node, and hears what the node says to a wrong
// password, after as long.
func TestNoLogin(t *testing.T) {
	const wrong = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>in the words of the node</text></failure>"
	const slow = 300 * time.Millisecond
	w := build(t, impatient, func(c *ServerConfig) {
		c.Home = func(_ context.Context, _, user string) ([]string, error) {
			if user == "alice@example.com" {
				return nil, nil
			}
			return nil, errors.New("no session")
		}
	})
	n := w.node(false)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.expect(clientHead)
	inside.send(nodeHead + mechs)
	client.expect(nodeHead + mechs)
	client.send(plainAuth)
	inside.expect(plainAuth)
	answer := time.AfterFunc(slow, func() { inside.send(wrong) })
	defer answer.Stop()
	client.expect(wrong)
	begun := time.Now()
	client.send(strings.Replace(plainAuth, "AGFsaWNlAHNlY3JldA==", "AGJvYgB4", 1))
	client.expect(wrong)
	if took := time.Since(begun); took < slow*7/8 {
		t.Errorf("refused after %v, where the node takes %v", took, slow)
	}
	client.send(plainAuth)
	inside.expect(plainAuth) // and nothing of bob's
	w.logged("chat login denied", "rule=login", "no session", "user=bob")
}

// TestGuesses: core counts logins, and what is counted too often reaches no node.
func TestGuesses(t *testing.T) {
	var mu sync.Mutex
	tried, proven := []string{}, 0
	w := build(t, impatient, func(c *ServerConfig) {
		c.MayTry = func(domain, user, source string) bool {
			mu.Lock()
			defer mu.Unlock()
			tried = append(tried, domain+" "+user+" "+source)
			return len(tried) > 1
		}
		c.Proven = func(string, string, string) {
			mu.Lock()
			defer mu.Unlock()
			proven++
		}
	})
	n := w.node(false)
	client := w.secure()
	client.send(clientHead)
	inside := n.accept()
	inside.expect(clientHead)
	inside.send(nodeHead + mechs)
	client.expect(nodeHead)
	client.expect(mechs)
	client.send(plainAuth)
	client.expect(saslFailure("temporary-auth-failure"))
	client.send(plainAuth)
	inside.expect(plainAuth)
	inside.send(success)
	client.expect(success)
	mu.Lock()
	defer mu.Unlock()
	if want := "example.com alice@example.com 127.0.0.1"; len(tried) != 2 || tried[1] != want || proven != 1 {
		t.Errorf("tried %q, proven %d", tried, proven)
	}
}

func TestUserOf(t *testing.T) {
	for in, want := range map[string]string{
		"PLAIN AGFsaWNlAHNlY3JldA==":                                   "alice@example.com",
		"PLAIN eABCb2JAT3RoZXIuZXhhbXBsZQB5":                           "bob@other.example",
		"CISCO-VTG-TOKEN dXNlcmlkPWFsaWNlQGV4YW1wbGUuY29tAHRva2VuPXg=": "alice@example.com",
		"SCRAM-SHA-1 biwsbj1hPTJDYixyPXg=":                             "a,b@example.com",
		"OAUTHBEARER bixhPWFsaWNlQGV4YW1wbGUuY29tLAFhdXRoPUJlYXJlciB4": "alice@example.com",
		"SCRAM-SHA-1 biw=":                                             "", "PLAIN !!!": "", "PLAIN eA==": "", "GSSAPI YWxpY2U=": "",
	} {
		m, b64, _ := strings.Cut(in, " ")
		p, err := NewSplitter(strings.NewReader(head+"<auth xmlns='"+nsSASL+"' mechanism='"+m+"'>"+b64+"</auth>"), 1000), error(nil)
		p.Next()
		piece, err := p.Next()
		if user, _ := userOf(piece, "example.com"); err != nil || user != want {
			t.Errorf("%s: %q, %v; want %q", in, user, err, want)
		}
	}
}
