package pair

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/test/lab"
	"sallyport/test/room"
	"sallyport/test/story"
)

// stage is a running pair with who plays before and behind it in one story.
// A phone is named after its user, or user and device ("alice-desk").
type stage struct {
	*testing.T
	pair      *Pair
	log       room.LogBook // of both nodes, shown when a story fails
	phones    map[string]*lab.Phone
	calls     map[string]*lab.Call // by phone and line
	subs      map[string]*lab.Subscription
	strangers map[string]*lab.Stranger
	sprayers  map[string]*net.UDPConn
	seen      int  // messages that the outside was sent
	odd       bool // another parser need not like them
}

// storyTime bounds one story, on a busy machine too.
const storyTime = 3 * time.Minute

// open starts a pair for the rest of a test, and holds that its end leaves no
// goroutine behind.
func open(t *testing.T, cfg Config) *stage {
	t.Helper()
	before := runtime.NumGoroutine()
	s := &stage{T: t}
	cfg.Net, cfg.LogOut = place, &s.log
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	p, err := New(ctx, cfg)
	if err != nil {
		t.Fatalf("%v\n%s", err, s.tail(0))
	}
	s.pair = p
	s.reset()
	t.Cleanup(func() {
		s.clear()
		if err := p.Close(); err != nil {
			t.Error("close: ", err)
		}
		if left := settled(before); left > before {
			t.Errorf("%d goroutines before the pair, %d after\n%s", before, left, stacks())
		}
	})
	return s
}

// settled waits for goroutines that are about to end.
func settled(want int) int {
	deadline := time.Now().Add(20 * time.Second)
	for runtime.NumGoroutine() > want && time.Now().Before(deadline) {
		time.Sleep(5 * time.Millisecond) // nothing tells when a goroutine is gone
	}
	return runtime.NumGoroutine()
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// logged is how much there is in the log; tail is what came after that.
func (s *stage) logged() int { return len(s.log.String()) }

func (s *stage) tail(from int) string { return s.log.String()[from:] }

func (s *stage) reset() {
	s.phones, s.calls = map[string]*lab.Phone{}, map[string]*lab.Call{}
	s.sprayers = map[string]*net.UDPConn{}
	s.subs, s.strangers = map[string]*lab.Subscription{}, map[string]*lab.Stranger{}
}

// tell tells a story of testdata on this stage.
func (s *stage) tell(t *testing.T, file string) {
	t.Helper()
	s.T = t
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	defer s.clear()
	logged := s.logged()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	updated, err := s.engine().Run(ctx, filepath.Base(file), text)
	if err != nil {
		t.Errorf("%v\n%s", err, s.tail(logged))
	}
	if *update && !bytes.Equal(updated, text) {
		if err := os.WriteFile(file, updated, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// engine is the story engine with both shells and the verbs.
func (s *stage) engine() *story.Engine {
	return &story.Engine{
		Nodes: s.shells(),
		Verbs: s.verbs(), Within: 40 * time.Second, Every: 20 * time.Millisecond,
	}
}

// execer runs each line in a fresh shell, since its node may be another by now.
// What a line changes is in force before the next step, if it can be.
type execer struct{ of *running }

// forceTime bounds the wait for a change to be in force, on a busy machine too.
const forceTime = 15 * time.Second

func (e execer) Exec(ctx context.Context, line string, out io.Writer) int {
	s := e.of.node.Console("story")
	defer s.Close()
	exit := s.Exec(ctx, line, out)
	if exit == 0 && (strings.HasPrefix(line, "xConfiguration") || strings.HasPrefix(line, "xCommand")) {
		ctx, cancel := context.WithTimeout(ctx, forceTime)
		defer cancel()
		_ = AwaitApplied(ctx, e.of.node) // the story tells what comes of it
	}
	return exit
}

func (s *stage) shells() map[string]story.Execer {
	all := map[string]story.Execer{}
	for _, r := range s.pair.nodes {
		all[r.spec.Name] = execer{r}
	}
	return all
}

// clear ends a story: calls and registrations are taken back, and nothing that
// anybody outside was sent may have named the inside.
func (s *stage) clear() {
	s.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	for _, c := range s.calls {
		c.Cancel()
		if c.State() == lab.CallAnswered {
			c.Hangup(ctx)
		}
	}
	for name, p := range s.phones {
		s.look(name, p)
		if p.Connected() {
			p.Unregister(ctx)
		}
		p.Close()
	}
	for _, x := range s.strangers {
		x.Close()
	}
	for _, u := range s.sprayers {
		u.Close()
	}
	for user := range lab.Users() {
		if user != "carol" {
			s.pair.World.Registrar.Forget(user)
		}
	}
	for empty := false; !empty; { // calls that nobody in the story took
		select {
		case <-s.pair.World.Carol.Incoming():
		case <-s.pair.World.Carol.Inbox():
		default:
			empty = true
		}
	}
	s.reset()
}

// look reads all that a phone was sent.
func (s *stage) look(name string, p *lab.Phone) {
	s.Helper()
	if strings.HasPrefix(name, "inside-") || user(name) == lab.RoomUser {
		return
	}
	seen := slices.DeleteFunc(p.Received(), func(c lab.Capture) bool { // in the office
		return c.Remote.Addr().String() == s.pair.Registrar()
	})
	s.seen += len(seen)
	for _, leak := range s.leaks(seen) {
		s.Errorf("%s was told of the inside: %s", name, leak)
	}
	for _, f := range p.Faults() {
		if s.odd {
			break
		}
		s.Errorf("%s got what another parser refuses: %s", name, f)
	}
}

// leaks lists what must not have left edge.
func (s *stage) leaks(seen []lab.Capture) []string {
	out := lab.CaptureLeaks(seen, slices.Concat(s.pair.InsidePrefixes(), []string{"core.invalid"}))
	for _, c := range seen {
		m, err := lab.ParseMessage(c.Raw)
		if err != nil {
			continue // found above
		}
		for _, f := range m.Fields {
			if strings.HasPrefix(strings.ToLower(f.Name), "x-sallyport") {
				out = append(out, f.Name+" of the link")
			}
			if f.Name == "Refer-To" || f.Name == "Referred-By" {
				out = append(out, lab.HeaderAddressLeak(f.Name, f.Value, append(s.pair.InsidePrefixes(), "core.invalid"))...)
			}
		}
		if bytes.Contains(c.Raw, []byte("a=x-sallyport")) {
			out = append(out, "the link's own media attribute")
		}
	}
	return out
}

// phone is one that the story has started.
func (s *stage) phone(name string) (*lab.Phone, error) {
	if name == "carol" {
		return s.pair.World.Carol, nil
	}
	if p := s.phones[name]; p != nil {
		return p, nil
	}
	return nil, fmt.Errorf("there is no phone %s", name)
}

// user is the account of a phone's name.
func user(name string) string {
	name = strings.TrimPrefix(name, "inside-")
	u, _, _ := strings.Cut(name, "-")
	return u
}
