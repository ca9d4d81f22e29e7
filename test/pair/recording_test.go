package pair

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// TestRecordingByBridge has call control record alice by her phone's built-in
// bridge: what it says reaches her phone as it was sent, both sides arrive, and
// the dialogs end with the call. With Path off the same works, and is told of.
//
//	call control ── INVITE (Join, near end) ─▶ core ─▶ edge ─▶ alice ══▶ recorder
//	             ── INVITE (Join, far end) ──▶ core ─▶ edge ─▶ alice ══▶ recorder
func TestRecordingByBridge(t *testing.T) {
	for _, set := range []struct {
		name string
		cfg  Config
	}{
		{"path", Config{Path: lab.PathLazy}},
		{"contact", Config{NoPath: true}},
	} {
		t.Run(set.name, func(t *testing.T) {
			s := open(t, set.cfg)
			ctx, cancel := context.WithTimeout(t.Context(), storyTime)
			defer cancel()
			alice, call := s.inCall(ctx)
			rec, heard := s.record(ctx)
			if err := heard.Await(ctx, 440, lab.CarolTone, 30); err != nil {
				t.Fatal(err)
			}
			s.kept(alice, rec)
			s.counted(ctx, 3)
			if err := call.Hangup(ctx); err != nil {
				t.Fatal(err)
			}
			s.counted(ctx, 0) // the phone ended them itself
			if set.cfg.NoPath {
				s.pathAlarm(ctx)
			} else if s.raised(xapi.AlarmRecordingPath) {
				t.Error("an alarm about Path that is on")
			}
		})
	}
}

// inCall is alice in a call with carol.
func (s *stage) inCall(ctx context.Context) (*lab.Phone, *lab.Call) {
	s.Helper()
	s.aliceRegisters(ctx)
	alice := s.phones["alice"]
	call, err := alice.Call(ctx, "carol")
	if err != nil {
		s.Fatal(err)
	}
	return alice, call
}

// invoker is a header that no proxy knows.
const invoker = "27482991;mode=auto;x-zone=\"eu,1\""

func (s *stage) record(ctx context.Context) (*lab.Recording, *lab.Recorder) {
	s.Helper()
	to, err := s.pair.World.NewRecorder()
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(to.Close)
	rec, err := s.pair.World.Registrar.Record(ctx, "alice", to, lab.Field{Name: "X-Recording-Invoker", Value: invoker})
	if err != nil {
		s.Fatal(err)
	}
	return rec, to
}

// kept compares the INVITEs that alice was sent with those that were sent to
// her.
func (s *stage) kept(alice *lab.Phone, rec *lab.Recording) {
	s.Helper()
	sent := map[string]*lab.Message{}
	for _, c := range s.pair.World.Registrar.Captured() {
		if m, err := lab.ParseMessage(c.Raw); err == nil && c.Sent && m.Method() == "INVITE" && m.Get("Join") != "" {
			sent[m.Get("X-Recording-Invoker")+label(m)] = m
		}
	}
	found := 0
	for _, c := range alice.Received() {
		m, err := lab.ParseMessage(c.Raw)
		if err != nil || m.Method() != "INVITE" || m.Get("Join") == "" {
			continue
		}
		was := sent[m.Get("X-Recording-Invoker")+label(m)]
		if was == nil {
			s.Errorf("label or header was changed:\n%s", c.Raw)
			continue
		}
		found++
		for _, name := range []string{"From", "Join", "Call-ID", "Call-Info"} {
			if got, want := m.Get(name), was.Get(name); got != want {
				s.Errorf("%s: %s, was sent as %s", name, got, want)
			}
		}
	}
	if found != len(rec.CallIDs()) {
		s.Errorf("alice was sent %d recording INVITEs, want %d", found, len(rec.CallIDs()))
	}
}

func label(m *lab.Message) string {
	_, rest, _ := strings.Cut(string(m.Body), "a=label:")
	side, _, _ := strings.Cut(rest, "\r\n")
	return side
}

// counted waits until both nodes count so many calls.
func (s *stage) counted(ctx context.Context, want int) {
	s.Helper()
	for _, node := range []string{"edge", "core"} {
		for !s.count(ctx, node, want) {
			select {
			case <-ctx.Done():
				s.Fatalf("%s: %s", node, s.shell(context.WithoutCancel(ctx), node, "xStatus Calls"))
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
}

func (s *stage) count(ctx context.Context, node string, want int) bool {
	return strings.Count(s.shell(ctx, node, "xStatus Calls"), "SerialNumber:") == want
}

func (s *stage) raised(a *xapi.Alarm) bool {
	for _, r := range s.pair.Core.Alarms() {
		if r.Alarm == a {
			return true
		}
	}
	return false
}

// pathAlarm holds that the alarm is there, and goes when Path is on.
func (s *stage) pathAlarm(ctx context.Context) {
	s.Helper()
	if !s.raised(xapi.AlarmRecordingPath) {
		s.Error("recording without Path raises no alarm")
	}
	s.shell(ctx, "core", "xConfiguration CollaborationEdge RFC3327Enabled: On")
	for s.raised(xapi.AlarmRecordingPath) {
		select {
		case <-ctx.Done():
			s.Fatal("the alarm stays when Path is on")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestBibInviteDelay holds that the INVITEs to the bridge wait as long as they
// are told, and no other call does, however long that is.
func TestBibInviteDelay(t *testing.T) {
	s := open(t, Config{Path: lab.PathLazy})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	_, call := s.inCall(ctx)
	waits := func(delay time.Duration) {
		t.Helper()
		if got := s.shell(ctx, "core", fmt.Sprint("xConfiguration SIP Advanced BibInviteDelay: ", delay.Milliseconds())); !strings.Contains(got, "OK") {
			t.Fatal(got)
		}
		s.applied(ctx)
	}
	const some, most = 600 * time.Millisecond, 5 * time.Second
	waits(some)
	begin := time.Now()
	rec, _ := s.record(ctx)
	if took := time.Since(begin); took < 2*some {
		t.Errorf("two held dialogs took %s", took)
	}
	waits(most)
	begin = time.Now()
	second, err := s.phones["alice"].Call(ctx, "carol")
	if err != nil || time.Since(begin) > most {
		t.Errorf("another call took %s (%v)", time.Since(begin), err)
	}
	for _, end := range []func(context.Context) error{rec.Stop, second.Hangup, call.Hangup} {
		if err := end(ctx); err != nil {
			t.Error(err)
		}
	}
	s.counted(ctx, 0)
}
