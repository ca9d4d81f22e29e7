package pair

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// recordsAt has core record alice at a recorder that it reaches over TCP, or
// another transport.
func (s *stage) recordsAt(ctx context.Context, at netip.AddrPort, over ...string) {
	s.Helper()
	over = append(over, "TCP")
	for _, line := range []string{
		`xConfiguration Zones Zone 21 Name: "Recorder"`,
		`xConfiguration Zones Zone 21 Type: Neighbor`,
		`xConfiguration Zones Zone 21 Neighbor Peer 1 Address: "` + at.Addr().String() + `"`,
		fmt.Sprintf(`xConfiguration Zones Zone 21 Neighbor SIP Port: %d`, at.Port()),
		`xConfiguration Zones Zone 21 Neighbor SIP Transport: ` + over[0],
		`xConfiguration Zones Zone 21 Neighbor SIP TLS Verify Mode: On`,
		`xConfiguration Recording Zone: "Recorder"`,
		`xConfiguration Recording User 1 Alias: "@EXAMPLE.com"`,
	} {
		if got := s.shell(ctx, "core", line); !strings.Contains(got, "OK") {
			s.Fatal(line, got)
		}
	}
	s.applied(ctx)
}

func (s *stage) awaitAlarm(ctx context.Context, a *xapi.Alarm, want bool) {
	s.Helper()
	for s.raised(a) != want {
		select {
		case <-ctx.Done():
			s.Fatalf("alarm %d is never %v\n%s", a.ID, want, s.tail(0))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// TestRecorderRefuses holds that a call goes on, and an alarm is raised, when
// the recorder is busy or gone; that the alarm goes with the next recording; and
// that a recorder may hang up.
//
//	alice ══▶ edge ══▶ core ──▶ carol
//	                     └────▶ recorder
func TestRecorderRefuses(t *testing.T) {
	s := open(t, Config{Path: lab.PathLazy})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	busy, at, err := s.pair.World.NewSRS(ctx, func(c *lab.PhoneConfig) { c.Busy = true })
	if err != nil {
		t.Fatal(err)
	}
	s.recordsAt(ctx, at)
	alice, call := s.inCall(ctx)
	s.awaitAlarm(ctx, xapi.AlarmRecorder, true)
	s.talks(ctx, call)

	busy.Close() // nobody listens there now
	if call, err = alice.Call(ctx, "carol"); err != nil {
		t.Fatal(err)
	}
	s.talks(ctx, call)

	srs, at, err := s.pair.World.NewSRS(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer srs.Close()
	s.recordsAt(ctx, at)
	if call, err = alice.Call(ctx, "carol"); err != nil {
		t.Fatal(err)
	}
	rec := <-srs.Incoming()
	s.awaitAlarm(ctx, xapi.AlarmRecorder, false)
	if err := rec.AwaitLine(ctx, 1, 20); err != nil {
		t.Error(err)
	}
	if err := rec.Hangup(ctx); err != nil {
		t.Error("the recorder hangs up:", err)
	}
	if got := s.shell(ctx, "core", "xStatus Recording"); !strings.Contains(got, "Active: 0") || !strings.Contains(got, "Total: 1") || !strings.Contains(got, "Failed: 2") {
		t.Error(got)
	}
	s.talks(ctx, call)
	srs.Close()
	if call, err = alice.Call(ctx, "carol"); err != nil {
		t.Fatal(err)
	}
	s.awaitAlarm(ctx, xapi.AlarmRecorder, true)
	s.shell(ctx, "core", `xConfiguration Recording Zone: ""`)
	s.awaitAlarm(ctx, xapi.AlarmRecorder, false)
	s.talks(ctx, call)
}

// TestRecorderByTLS records over TLS to a recorder whose certificate is checked:
// both copies are SRTP, and each side's tone is in its own file.
//
//	alice ══ SRTP ══▶ edge ══▶ core ── RTP ──▶ carol
//	                             ╚══ TLS, 2 × SRTP ══▶ recorder
func TestRecorderByTLS(t *testing.T) {
	s := open(t, Config{Path: lab.PathLazy})
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	cert, key, err := s.pair.ca.Issue(trust.IssueOptions{Names: []string{"recorder.example.com"}, IPs: []string{s.pair.at("2.51")}, Server: true, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	conf, err := lab.ServerTLS(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	srs, at, err := s.pair.World.NewSRS(ctx, func(c *lab.PhoneConfig) {
		c.Transport, c.ServerTLS, c.Suites = "TLS", conf, lab.AllSuites()
		c.Server, c.ServerName, c.CA = s.pair.World.Registrar.Addr("TLS"), "ucm.example.com", s.pair.CA
	})
	if err != nil {
		t.Fatal(err)
	}
	defer srs.Close()
	s.recordsAt(ctx, at, "TLS")
	_, call := s.inCall(ctx)
	rec := <-srs.Incoming()
	for i, hz := range []float64{440, lab.CarolTone} {
		if err := rec.AwaitLine(ctx, i, 30); err != nil {
			t.Fatalf("side %d: %v\n%s", i, err, s.tail(0))
		}
		if st := rec.Stats(i); st.RecvSuite == "" || st.DecodeErrors > 0 {
			t.Errorf("side %d comes by %q with %d unreadable packets", i, st.RecvSuite, st.DecodeErrors)
		}
		if tone, err := lab.WAVTone(rec.WAV(i)); err != nil || !tone.Is(hz) {
			t.Errorf("file %d has %.0f Hz, want %.0f (%v)", i, tone.Hz, hz, err)
		}
	}
	s.talks(ctx, call)
	if err := rec.Await(ctx, lab.CallEnded); err != nil {
		t.Error("the recording goes on:", err)
	}
}

// talks holds that carol is heard, and ends the call.
func (s *stage) talks(ctx context.Context, call *lab.Call) {
	s.Helper()
	if _, err := call.AwaitMedia(ctx, lab.CarolTone, 30); err != nil {
		s.Error(err)
	}
	if err := call.Hangup(ctx); err != nil {
		s.Error(err)
	}
}
