package signaling

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/tools/txtar"

	"sallyport/appliance/sip"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestScenarios plays testdata/*.txtar on a proxy with in-memory connections
// and a clock of its own. Every file has the parts script and want. A script
// has one step a line:
//
//	conn a TLS 198.51.100.7:40000     a connection
//	route u v                         the handler forwards to u, on failure to v
//	handler reply 404 | hold | later 2s | panic  the handler does something else
//	option hide | dial | timeout=3s | edit=200:488 | panic-response
//	a> INVITE b1 mf=0 to=t1 …         a message comes
//	u> 180 INVITE tag=x               u answers what it got
//	dialled u | undialled 503         Branch.Dial ends
//	loop u a uri=…                    what u got last comes over a
//	originate OPTIONS u               a request of our own
//	wait 500ms · close u · break u · forward · reply 486
//
// What the proxy sends and calls is written down with its time.
func TestScenarios(t *testing.T) {
	files, _ := filepath.Glob("testdata/*.txtar")
	if len(files) == 0 {
		t.Fatal("no scenarios")
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			synctest.Test(t, func(t *testing.T) { got = play(t, string(a.Files[0].Data)) })
			if *update {
				a.Files = append(a.Files[:1], txtar.File{Name: "want", Data: []byte(got)})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if want := string(a.Files[1].Data); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// stage is a scenario being played.
type stage struct {
	t     *testing.T
	proxy *Proxy
	start time.Time

	mu       sync.Mutex
	out      strings.Builder
	names    map[string]string // of branches
	conns    map[string]*fakeConn
	route    []string
	handler  []string
	option   map[string]string
	dialled  chan any
	held     *Request
	tried    int
	sequence uint64
}

type fakeConn struct {
	stage   *stage
	name    string
	id      uint64
	network string
	remote  netip.AddrPort
	broken  bool
	got     []*sip.Message
}

func (c *fakeConn) ID() uint64            { return c.id }
func (c *fakeConn) Network() string       { return c.network }
func (c *fakeConn) Reliable() bool        { return c.network != "UDP" }
func (c *fakeConn) Local() netip.AddrPort { return netip.MustParseAddrPort("192.0.2.1:5061") }
func (c *fakeConn) Remote() netip.AddrPort {
	return c.remote
}
func (c *fakeConn) Zone() string { return c.name }

// SendTo is what a UDP connection offers: the answer goes to another port.
func (c *fakeConn) SendTo(port uint16, b []byte) error {
	if port != 40000 {
		c.stage.note("to port %d:", port)
	}
	return c.Send(b)
}

func (c *fakeConn) Send(b []byte) error {
	if c.broken {
		return errors.New("broken")
	}
	m, f := sip.Parse(append([]byte(nil), b...))
	if f != nil {
		c.stage.t.Errorf("proxy sent what does not parse: %v\n%s", f, b)
		return nil
	}
	c.stage.mu.Lock()
	c.got = append(c.got, m)
	c.stage.mu.Unlock()
	c.stage.note("%s< %s", c.name, c.stage.describe(m))
	return nil
}

func play(t *testing.T, script string) string {
	s := &stage{t: t, start: time.Now(), names: map[string]string{}, conns: map[string]*fakeConn{},
		option: map[string]string{}, dialled: make(chan any)}
	s.proxy = New(Config{Handler: s.handle, Rand: s.rand, Revive: s.revive, Product: "sallyport", MaxTransactions: 8, MaxDials: 2})
	ctx, cancel := context.WithCancel(context.Background())
	var wait sync.WaitGroup
	wait.Go(func() { _ = s.proxy.Run(ctx) })
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		s.note("%s", "> "+line)
		s.step(strings.Fields(line))
		synctest.Wait()
	}
	s.rest()
	cancel()
	wait.Wait()
	return s.out.String()
}

// rest waits until every timer has run and checks that nothing is left.
func (s *stage) rest() {
	time.Sleep(15 * time.Minute)
	synctest.Wait()
	st := s.proxy.Stats()
	for _, c := range []struct {
		name string
		n    int64
	}{{"repeats", st.Repeats}, {"resent", st.Resent}, {"refused", st.Refused}, {"full", st.Full}, {"stray", st.Stray},
		{"stray2xx", st.Stray2xx}, {"foreign", st.Foreign}, {"panics", st.Panics}} {
		if c.n != 0 {
			fmt.Fprintf(&s.out, "%s=%d\n", c.name, c.n)
		}
	}
	if st.Transactions != 0 || s.proxy.wheel.held != 0 || len(s.proxy.calls.calls) != 0 {
		s.t.Errorf("left over: %d transactions, %d timers, %d calls", st.Transactions, s.proxy.wheel.held, len(s.proxy.calls.calls))
	}
	for i := range shards {
		if n := len(s.proxy.client.shards[i].held) + len(s.proxy.server.shards[i].held) + len(s.proxy.watch.shards[i].held); n != 0 {
			s.t.Errorf("shard %d holds %d entries", i, n)
		}
	}
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(&s.out, "%8.3f  %s\n", time.Since(s.start).Seconds(), fmt.Sprintf(format, args...))
}

func (s *stage) rand() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	return s.sequence
}

func (s *stage) step(w []string) {
	switch w[0] {
	case "conn":
		s.conns[w[1]] = &fakeConn{stage: s, name: w[1], id: uint64(len(s.conns) + 1), network: w[2], remote: netip.MustParseAddrPort(w[3])}
	case "route":
		s.route = w[1:]
	case "handler":
		s.handler = w[1:]
	case "option":
		for _, o := range w[1:] {
			name, value, _ := strings.Cut(o, "=")
			s.option[name] = value
		}
	case "wait":
		d, err := time.ParseDuration(w[1])
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "close":
		s.conns[w[1]].broken = true
		s.proxy.ConnClosed(s.conns[w[1]])
	case "break":
		s.conns[w[1]].broken = true
	case "dialled":
		s.dialled <- Conn(s.conns[w[1]])
	case "undialled":
		n, _ := strconv.Atoi(w[1])
		s.dialled <- &StatusError{Status: n, Reason: "Not There"}
	case "loop":
		got := s.conns[w[1]].got
		m, f := sip.Parse(got[len(got)-1].Bytes())
		if f != nil {
			s.t.Fatal(f)
		}
		if len(w) > 3 {
			m.SetURI(strings.TrimPrefix(w[3], "uri="))
		}
		s.proxy.Receive(s.conns[w[2]], m, "trace")
	case "originate":
		m := request(s.conns[w[2]], w[1], "unused", nil)
		m.Remove("Via")
		b := s.branch(&Request{Msg: m})
		b.Next = nil
		s.proxy.Originate(b)
	case "forward":
		s.forward(s.held)
	case "reply":
		n, _ := strconv.Atoi(w[1])
		s.held.Reply(n, "Because")
	default:
		s.message(w)
	}
}

// message plays a message that comes: "a> INVITE b1 …" or "u> 180 INVITE …".
func (s *stage) message(w []string) {
	c := s.conns[strings.TrimSuffix(w[0], ">")]
	if c == nil {
		s.t.Fatalf("no step %v", w)
	}
	opt := map[string]string{}
	for _, o := range w[3:] {
		name, value, _ := strings.Cut(o, "=")
		opt[name] = value
	}
	var m *sip.Message
	if status, err := strconv.Atoi(w[1]); err == nil {
		m = s.response(c, status, w[2], opt)
	} else {
		m = request(c, w[1], w[2], opt)
	}
	s.proxy.Receive(c, m, "trace")
}

func request(c *fakeConn, method, branch string, opt map[string]string) *sip.Message {
	get := func(name, other string) string {
		if v, ok := opt[name]; ok {
			return v
		}
		return other
	}
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("%s %s SIP/2.0", method, get("uri", "sip:bob@example.com"))
	line("Via: SIP/2.0/%s %s;branch=%s%s", c.network, get("sentby", c.name+".example.com:"+strconv.Itoa(int(c.remote.Port()))), get("magic", magic)+branch, strings.ReplaceAll(get("viaparams", ""), ",", ";"))
	if v := opt["via2"]; v != "" {
		line("Via: SIP/2.0/TLS further.example.com;branch=%s", magic+v)
	}
	if mf := get("mf", "70"); mf != "" {
		line("Max-Forwards: %s", mf)
	}
	to := ""
	if v := opt["to"]; v != "" {
		to = ";tag=" + v
	}
	line("From: <sip:alice@example.com>;tag=%s", get("from", "from"))
	line("To: <sip:bob@example.com>%s", to)
	line("Call-ID: %s", get("call", "call"))
	line("CSeq: %s %s", get("cseq", "1"), method)
	for _, name := range []string{"Route", "Proxy-Require", "Reason"} {
		if v := opt[strings.ToLower(name)]; v != "" {
			line("%s: %s", name, v)
		}
	}
	line("Content-Length: 0")
	m, f := sip.Parse([]byte(b.String() + "\r\n"))
	if f != nil {
		panic(f)
	}
	return m
}

// response answers the last request of a method that a connection, or the one
// named by of, was sent.
func (s *stage) response(c *fakeConn, status int, method string, opt map[string]string) *sip.Message {
	from := c
	if v := opt["of"]; v != "" {
		from = s.conns[v]
	}
	var req *sip.Message
	for _, m := range from.got {
		if m.Request() && m.Method() == method {
			req = m
		}
	}
	if req == nil {
		s.t.Fatalf("%s was sent no %s", from.name, method)
	}
	tag := opt["tag"]
	if tag == "" {
		tag = "to-" + c.name
	}
	m := req.ReplyTag(status, "Answer", tag)
	if v := opt["branch"]; v != "" {
		m.PopFirst("Via")
		m.Prepend("Via", "SIP/2.0/TLS proxy.example.com;branch="+v)
	}
	if status >= 200 && status < 300 && method == "INVITE" {
		m.Add("Contact", "<sip:bob@10.9.9.9>")
		m.Add("Record-Route", "<sip:below1;lr>, <sip:below2;lr>")
	}
	return m
}

func (s *stage) handle(r *Request) {
	if len(s.handler) > 0 {
		switch s.handler[0] {
		case "reply":
			n, _ := strconv.Atoi(s.handler[1])
			r.Reply(n, "Because")
			return
		case "hold":
			s.held = r
			return
		case "later":
			d, _ := time.ParseDuration(s.handler[1])
			r.Hold(d, func() { s.note("decides"); s.forward(r) })
			return
		case "panic":
			panic("of the handler")
		}
	}
	s.forward(r)
}

func (s *stage) forward(r *Request) {
	s.tried = 0
	r.Forward(s.branch(r))
}

// branch is the next branch of the route.
func (s *stage) branch(r *Request) Branch {
	to := s.conns[s.route[s.tried]]
	s.tried++
	b := Branch{Msg: r.Msg.Clone(), Conn: to, Via: "proxy.example.com"}
	_, b.HideVia = s.option["hide"]
	if _, ok := s.option["dial"]; ok {
		b.Conn, b.Dial = nil, s.dial
	}
	if v := s.option["gone"]; v != "" {
		n, _ := strconv.Atoi(v)
		b.Gone = &StatusError{Status: n, Reason: "Gone"}
	}
	if v := s.option["timeout"]; v != "" {
		b.Timeout, _ = time.ParseDuration(v)
	}
	b.OnResponse = s.onResponse
	if _, ok := s.option["keep"]; ok {
		b.Kept = keeper("to " + b.Via)
	}
	if r.tx == nil && r.Conn == nil {
		s.tried = 0
	}
	b.OnFinal = func(status int) { s.note("final %d", status) }
	b.Next = func(status int) *Branch {
		s.note("next %d", status)
		if s.tried == len(s.route) {
			return nil
		}
		next := s.branch(r)
		return &next
	}
	return b
}

func (s *stage) onResponse(m *sip.Message) {
	if _, ok := s.option["panic-response"]; ok {
		panic("of the callback")
	}
	was, is, _ := strings.Cut(s.option["edit"], ":")
	if strconv.Itoa(m.Status()) == was {
		n, _ := strconv.Atoi(is)
		m.SetStatus(n, "Edited")
	}
}

func (s *stage) dial(ctx context.Context) (Conn, error) {
	select {
	case v := <-s.dialled:
		if err, ok := v.(error); ok {
			return nil, err
		}
		return v.(Conn), nil
	case <-ctx.Done():
		s.note("dial given up")
		return nil, ctx.Err()
	}
}

var branchText = regexp.MustCompile(`branch=` + magic + `([^;]*)`)

// describe writes what matters of a message on one line.
func (s *stage) describe(m *sip.Message) string {
	var b strings.Builder
	n, method := m.CSeq()
	if m.Request() {
		fmt.Fprintf(&b, "%s %s mf=%d", m.Method(), m.URI(), m.MaxForwards())
	} else {
		fmt.Fprintf(&b, "%d %s", m.Status(), method)
	}
	if n != 1 {
		fmt.Fprintf(&b, " cseq=%d", n)
	}
	if tag := m.ToTag(); tag != "" {
		if len(tag) == 16 {
			tag = "ours"
		}
		fmt.Fprintf(&b, " to=%s", tag)
	}
	for _, name := range []string{"Route", "Reason", "Retry-After", "Unsupported", "Server"} {
		for _, v := range m.Values(name) {
			fmt.Fprintf(&b, " %s=%s", name, v)
		}
	}
	for _, v := range m.Values("Via") {
		fmt.Fprintf(&b, " [%s]", s.shortVia(v))
	}
	return b.String()
}

// shortVia names the proxy's own branches P1, P2, … as they appear.
func (s *stage) shortVia(v string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	v = strings.TrimPrefix(v, "SIP/2.0/")
	return branchText.ReplaceAllStringFunc(v, func(found string) string {
		id := strings.TrimPrefix(found, "branch="+magic)
		if len(id) < 32 {
			return id
		}
		if s.names[id] == "" {
			s.names[id] = "P" + strconv.Itoa(len(s.names)+1)
		}
		return s.names[id]
	})
}

// keeper is what a role writes down of an INVITE.
type keeper string

func (k keeper) AppendKept(b []byte) ([]byte, bool) { return append(b, k...), true }

func (s *stage) revive(kept []byte, back Conn, _ string) func(*sip.Message) {
	return func(resp *sip.Message) {
		s.note("late %d from %s, kept %q", resp.Status(), back.Remote(), kept)
		s.onResponse(resp)
	}
}
