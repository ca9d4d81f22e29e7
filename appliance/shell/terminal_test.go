package shell

import (
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// screen is the far end of a terminal: it types keys and reads what comes.
type screen struct {
	t    *testing.T
	conn net.Conn
	done chan int

	mu   sync.Mutex
	text strings.Builder
	news chan struct{}
}

func newScreen(t *testing.T, n *node, o Options) *screen {
	t.Helper()
	near, far := net.Pipe()
	o.Who = config.Who{User: "admin", From: "127.0.0.1:1"}
	s := New(n, o)
	c := &screen{t: t, conn: far, done: make(chan int, 1), news: make(chan struct{}, 1)}
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(c.read)
	work.Go(func() {
		c.done <- s.Interact(ctx, near)
		near.Close()
		s.Close()
	})
	t.Cleanup(func() {
		cancel()
		far.Close()
		work.Wait()
	})
	return c
}

func (c *screen) read() {
	b := make([]byte, 4096)
	for {
		n, err := c.conn.Read(b)
		c.mu.Lock()
		c.text.Write(b[:n])
		c.mu.Unlock()
		signal(c.news)
		if err != nil {
			return
		}
	}
}

func (c *screen) typ(keys string) { io.WriteString(c.conn, keys) }

// see waits until text stands behind what was seen before, and takes all up to it.
func (c *screen) see(text string) string {
	c.t.Helper()
	limit := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		all := c.text.String()
		if at := strings.Index(all, text); at >= 0 {
			c.text.Reset()
			c.text.WriteString(all[at+len(text):])
			c.mu.Unlock()
			return all[:at+len(text)]
		}
		c.mu.Unlock()
		select {
		case <-c.news:
		case <-limit:
			c.t.Fatalf("%q never came; on the screen stands:\n%q", text, all)
		}
	}
}

func (c *screen) holds(text string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Contains(c.text.String(), text)
}

func TestTerminal(t *testing.T) {
	n := newNode(t, xapi.Edge)
	c := newScreen(t, n, Options{Now: clockAt})
	c.see("edge (edge), revision 0. Type ? for help.\r\n")
	c.see("edge> ")
	c.typ("xConfiguration SIP TLS Port\r")
	if got, want := c.see("OK\r\n"), "*c xConfiguration SIP TLS Port: \"5061\"\r\n\r\nOK\r\n"; !strings.HasSuffix(got, want) {
		t.Errorf("got %q, want it to end with %q", got, want)
	}

	c.typ("xConfiguration SIP TLS Po\x03") // Ctrl-C clears the line
	c.typ("xStatus Calls\r")
	c.see("*s Calls: /\r\n")

	c.typ("xconf sip tl\t") // Tab completes
	c.see("TLS ")
	c.typ("p\t")
	c.see("Port: ")
	c.typ("5099\r")
	c.see("OK\r\n")
	if got := n.store.Snapshot().Int(xapi.SIPTLSPort); got != 5099 {
		t.Errorf("got port %d, want 5099", got)
	}

	c.typ("xConfiguration SIP TLS Mode: ?") // ? tells, here the values
	c.see("On")
	c.see("Off")
	c.typ("\x03")

	c.typ("xStatus Callz\x1b[D\x1b[3~s\r") // Delete
	c.see("*s Calls: /\r\n")

	c.typ("\x1b[A") // the line before
	c.see("xStatus Calls")
	c.typ("\r")
	c.see("*s Calls: /\r\n")

	c.typ("exit\r")
	if exit := <-c.done; exit != Done {
		t.Errorf("exit %d", exit)
	}
}

func TestCtrlCEndsCommand(t *testing.T) {
	c := newScreen(t, newNode(t, xapi.Edge), Options{Now: clockAt})
	c.see("edge> ")
	c.typ("trace user alice 5m\r")
	c.see("tracing alice for 5m")
	c.typ("typed ahead\r\x03")
	c.see("OK\r\n")
	c.see("edge> ")
	c.typ("xCommand DNSLookup example.com\r")
	c.see("example.com")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !c.holds("Interrupted") {
		c.typ("\x03") // before the command runs it only clears an empty line
		<-tick.C
	}
	c.see("edge> ")
	c.typ("\x04") // Ctrl-D on an empty line ends the session
	<-c.done
}

func TestQuestionIsAsked(t *testing.T) {
	c := newScreen(t, newNode(t, xapi.Edge), Options{Now: clockAt})
	c.see("edge> ")
	c.typ("xCommand Restart\r")
	c.see("Restart now? (y/n) ")
	c.typ("n\r")
	c.see("NotConfirmed")
	c.typ("xCommand Restart\r")
	c.see("Restart now? (y/n) ")
	c.typ("\x03")
	c.see("so nothing was done")
	c.typ("xCommand Restart\r")
	c.see("Restart now? (y/n) ")
	c.typ("y\r")
	c.see("Restart: now")
	c.see("edge> ")
	c.typ("\x1b[A")
	c.see("xCommand Restart") // and not the answer
}

func TestPastedImport(t *testing.T) {
	n := newNode(t, xapi.Edge)
	c := newScreen(t, n, Options{Now: clockAt})
	c.see("edge> ")
	c.typ("import\r")
	c.see("a dot alone ends them")
	c.typ("xConfiguration SIP TLS Port: \"5088\"\rxConfiguration H323 Mode: \"On\"\r.\r")
	c.see("line 2: H323 Mode: known, not here")
	c.see("1 taken, 1 not here")
	c.see("OK\r\n")
	if got := n.store.Snapshot().Int(xapi.SIPTLSPort); got != 5088 {
		t.Errorf("got port %d, want 5088", got)
	}
}

func TestCtrlCEndsPaste(t *testing.T) {
	n := newNode(t, xapi.Edge)
	c := newScreen(t, n, Options{Now: clockAt})
	c.see("edge> ")
	c.typ("import\r")
	c.see("a dot alone ends them")
	c.typ("xConfiguration SIP TLS Port: \"5088\"\r")
	c.see("5088")
	c.typ("xConf\x03")
	c.see("ERROR")
	c.see("edge> ")
	if rev := n.store.Snapshot().Rev(); rev != 0 {
		t.Error("half a paste was taken")
	}
}

func TestPasteWithBrackets(t *testing.T) {
	n := newNode(t, xapi.Core)
	c := newScreen(t, n, Options{Now: clockAt})
	c.see("core> ")
	c.typ("\x1b[200~xConfiguration Zones Policy SearchRules Rule 1 Pattern String: \"(.*)?x\"\r\x1b[201~")
	c.see("OK\r\n")
	c.typ("xConfiguration SystemUnit Name: \"what?\"\r") // typed within quotes, ? is a character
	c.see("OK\r\n")
	if got := n.store.Snapshot().Str(xapi.SystemUnitName); got != "what?" {
		t.Errorf("got %q", got)
	}
}

func TestPasswordLeavesHistory(t *testing.T) {
	c := newScreen(t, newNode(t, xapi.Edge), Options{Now: clockAt})
	c.see("edge> ")
	c.typ("xConfiguration Authentication Account Admin Account 1 Name: admin Password: \"hush-hush-9\"\r")
	c.see("OK\r\n")
	c.see("edge> ")
	c.typ("\x1b[A")
	if got := c.see(`"***"`); strings.Contains(got, "hush") {
		t.Errorf("the password came back: %q", got)
	}
}

func TestCutOffWaitsForConfirm(t *testing.T) {
	n := newNode(t, xapi.Edge)
	c := newScreen(t, n, Options{Now: clockAt, Confirm: 2 * time.Minute})
	c.see("edge> ")
	c.typ("xConfiguration Administration SSH Port: 2022\r")
	c.see("It is taken back in 120 seconds, to revision 0, unless you type: confirm")
	c.see("edge (confirm?)> ")
	c.typ("confirm\r")
	c.see("OK\r\n")
	c.see("edge> ")
	if n.store.Pending() != nil || n.store.Snapshot().Int(xapi.AdministrationSSHPort) != 2022 {
		t.Error("the change was not kept")
	}
	c.typ("xConfiguration Administration SSH AuthorizedKey 1 Key: \"ssh-ed25519 AAAA x\"\r") // one more key cuts nobody off
	c.see("OK\r\n")
	c.see("edge> ")
	c.typ("xConfiguration IP Gateway: \"192.0.2.1\"\r") // a first one may lead answers elsewhere
	c.see("It is taken back in 120 seconds")
	c.typ("confirm\r")
	c.see("OK\r\n")
	c.see("edge> ")
	c.typ("xConfiguration Administration SSH Port: 2023 !\r")
	c.see("OK\r\n")
	c.see("edge> ")
}

func TestFeedbackOnTerminal(t *testing.T) {
	n := newNode(t, xapi.Edge)
	c := newScreen(t, n, Options{Now: clockAt})
	c.see("edge> ")
	c.typ("xFeedback register /Event/CallConnected\r")
	c.see("OK\r\n")
	c.see("edge> ")
	c.typ("xSta")
	c.see("xSta")
	n.happen(Event{Node: xapi.NewNode("CallConnected").Str("Alias", "alice\x1b[2J")})
	c.see("*e CallConnected:\r\n  Alias: \"alice·[2J\"\r\n*e/end\r\n")
	c.see("edge> xSta") // the line being typed stands below
	c.typ("tus Calls\r")
	c.see("*s Calls: /\r\n")
}

func TestWindowChangesWhileTyping(t *testing.T) {
	n := newNode(t, xapi.Edge)
	near, far := net.Pipe()
	s := New(n, Options{Now: clockAt})
	s.SetSize(100, 30) // before there is an editor
	var work sync.WaitGroup
	work.Go(func() { io.Copy(io.Discard, far) })
	work.Go(func() { s.Interact(t.Context(), near); near.Close(); s.Close() })
	work.Go(func() {
		for i := range 200 {
			s.SetSize(20+i%60, 24)
		}
	})
	io.WriteString(far, strings.Repeat("xStatus Calls\r", 50)+"exit\r")
	work.Wait()
	s.SetSize(0, 0)
}

func TestScript(t *testing.T) {
	s := newNode(t, xapi.Edge).session(t)
	var out strings.Builder
	in := "xConfiguration SIP TLS Port: 5088\nxConfiguration SIP TLS Port: x\n\nimport\nxConfiguration SystemUnit Name: \"s\"\n.\nxStatus Calls\nexit\nxStatus Zones\n"
	exit := s.Script(t.Context(), strings.NewReader(in), &out)
	want := "OK\nSIP TLS Port: \"x\" is not a number; allowed: a number from 1024 to 65534\nERROR\n1 taken\nOK\n*s Calls: /\n*s/end\nOK\n"
	if out.String() != want || exit != Misread {
		t.Errorf("exit %d, got:\n%s\nwant:\n%s", exit, out.String(), want)
	}
}

func TestOnceTakesSeveralLines(t *testing.T) {
	s := newNode(t, xapi.Edge).session(t)
	var out strings.Builder
	exit := s.Once(t.Context(), "xStatus Calls\r\nxConfiguration SIP TLS Port: 5088\n", strings.NewReader(""), &out)
	if want := "*s Calls: /\n*s/end\nOK\nOK\n"; out.String() != want || exit != Done {
		t.Errorf("exit %d, got:\n%s\nwant:\n%s", exit, out.String(), want)
	}
}

func TestOnceFollowsFeedback(t *testing.T) {
	n := newNode(t, xapi.Edge)
	s := New(n, Options{Now: clockAt})
	near, far := net.Pipe()
	done := make(chan int, 1)
	go func() { done <- s.Once(t.Context(), "xFeedback register /Status/Calls", strings.NewReader(""), far) }()
	b := make([]byte, 100)
	near.Read(b) // OK: registered
	n.happen(Event{Status: true, Node: xapi.NewNode("Calls")})
	k, _ := near.Read(b)
	if got, want := string(b[:k]), "*s Calls: /\n*s/end\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	s.Interrupt()
	<-done
	near.Close()
	far.Close()
	s.Close()
}

// Changes of the configuration are told as lines that can be pasted back.
func TestFeedbackOfTheConfiguration(t *testing.T) {
	n := newNode(t, xapi.Edge)
	s, other := n.session(t), n.session(t)
	var out strings.Builder
	for _, line := range []string{"xFeedback register /Configuration/sip/TLS", "xFeedback register /Configuration/Zones", "xFeedback list"} {
		s.Exec(t.Context(), line, &out)
	}
	if want := "OK\nOK\n*xf 1 Configuration/SIP/TLS\n*xf 2 Configuration/Zones\nOK\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
	told := func(want string) {
		t.Helper()
		out.Reset()
		for deadline := time.Now().Add(20 * time.Second); out.Len() < len(want) && time.Now().Before(deadline); {
			s.feeds.flush(&out)
			time.Sleep(time.Millisecond)
		}
		if out.String() != want {
			t.Errorf("told %q, want %q", out.String(), want)
		}
	}
	other.Exec(t.Context(), "xConfiguration SIP TLS Port: 5088", io.Discard)
	told("*c xConfiguration SIP TLS Port: \"5088\"\n")
	other.Exec(t.Context(), `xConfiguration SystemUnit Name: "elsewhere"`, io.Discard)
	other.Exec(t.Context(), `xConfiguration SIP TLS Port: ""`, io.Discard)
	told("*c xConfiguration SIP TLS Port: \"5061\"\n")
	out.Reset()
	if s.Exec(t.Context(), "xFeedback register /Configuration/SIP/Teleport", &out) != Misread || !strings.Contains(out.String(), "Teleport") {
		t.Errorf("a path that is not there: %s", out.String())
	}
}

// What is changed in safe mode goes back when the session ends, unless it was
// confirmed; another session's changes go with it.
func TestSafeMode(t *testing.T) {
	n := newNode(t, xapi.Edge)
	name := func() string { return n.store.Snapshot().Str(xapi.SystemUnitName) }
	run := func(s *Session, want string, lines ...string) {
		t.Helper()
		var out strings.Builder
		for _, line := range lines {
			out.Reset()
			s.Exec(t.Context(), line, &out)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: got %q, want %q in it", lines[len(lines)-1], out.String(), want)
		}
	}
	s, other := n.session(t), n.session(t)
	run(s, "not on", "safe off")
	run(s, "unless you type: confirm", "safe on")
	run(s, "on already", "safe on")
	run(other, "waits to be confirmed already", "safe on")
	run(other, "not on in this session", "safe revert")
	run(s, "when the session of admin ends", `xConfiguration SystemUnit Name: "one"`)
	run(s, "1 changes wait", "safe off")
	run(s, "OK", "confirm", `xConfiguration SystemUnit Name: "two"`)
	run(other, "OK", `xConfiguration SIP TLS Port: 5088`)
	s.Close()
	if name() != "one" || n.store.Snapshot().Int(xapi.SIPTLSPort) != 5061 || n.store.Pending() != nil {
		t.Errorf("after the session: %s, %d, waiting %v", name(), n.store.Snapshot().Int(xapi.SIPTLSPort), n.store.Pending())
	}

	s = n.session(t)
	run(s, `+ SystemUnit Name: "one"`, "safe on", `xConfiguration SystemUnit Name: "three"`, "safe revert")
	run(s, "OK", "safe on", "safe off", `xConfiguration SystemUnit Name: "four"`)
	run(s, "OK", "safe on", `xConfiguration SystemUnit Name: "five"`)
	run(other, "OK", "confirm") // anybody may say that it is well
	s.Close()
	if name() != "five" {
		t.Errorf("confirmed by another session: %s", name())
	}
}

// TestChoicesThatLive: what may follow is read from what is there now.
func TestChoicesThatLive(t *testing.T) {
	n := newNode(t, xapi.Edge)
	n.alice = true
	s := n.session(t)
	s.Exec(t.Context(), `xConfiguration Zones Zone 3 Name: "link"`, io.Discard)
	for line, want := range map[string]string{
		"xHistory ":                     "Calls",
		"xHistory Calls ":               "Call 1",
		"xHistory Calls Call 1 ":        "To Duration",
		"xgetxml ":                      "/Configuration /History /Status",
		"xgetxml /Status/Zon":           "/Status/Zones",
		"xgetxml /Status/Zones/":        "/Status/Zones/Zone[3]",
		"xgetxml /status/zones/zone/n":  "/status/zones/zone/Name",
		"xgetxml /Configuration/SIP/TL": "/Configuration/SIP/TLS",
		"xgetxml /Nothing/":             "",
		"why ":                          "user <name>",
		"why user al":                   "alice@example.com",
		"why user bob":                  "",
		"trace user ":                   "alice@example.com",
		"trace user alice ":             "1m 5m 1h",
	} {
		var got []string
		for _, c := range s.complete(line).choices {
			got = append(got, c.label())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
