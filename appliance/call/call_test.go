package call

import (
	"log/slog"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// wire is a stream that only remembers whether it is open.
type wire struct{ closed bool }

func (w *wire) Close()   { w.closed = true }
func (w *wire) V6() bool { return false }

func lines(t *testing.T, ports ...string) (all []media.Line) {
	t.Helper()
	text := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
	for _, p := range ports {
		text += "m=audio " + p + " RTP/SAVP 0\r\n"
	}
	b, err := sdp.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i := range b.Media {
		all = append(all, media.ReadLine(b, i))
	}
	return all
}

// A refused offer takes back the stream that it opened, and only that; an offer
// that gives a line up closes its stream once it is answered.
func TestTalkOpensAndCloses(t *testing.T) {
	talk := NewTalk[media.Line, *wire](time.Unix(0, 0))
	open := func(int, media.Line) (*wire, error) { return &wire{}, nil }
	set := func(_ int, _ *wire, _, _ media.Line) error { return nil }
	say := func(from media.Side, kind media.Kind, ls []media.Line) {
		t.Helper()
		if err := talk.Check(from, kind, ls); err != nil {
			t.Fatal(err)
		}
		opened, _ := talk.Open(ls, open)
		if err := talk.Take(from, kind, ls, opened, set); err != nil {
			t.Fatal(err)
		}
	}
	if err := talk.Check(media.UCSide, media.Answer, lines(t, "4000")); err == nil {
		t.Error("an answer without an offer passes")
	}
	say(media.ClientSide, media.Offer, lines(t, "4000", "4002"))
	say(media.UCSide, media.Answer, lines(t, "5000", "0"))
	declined := talk.Streams[1]
	if declined == nil || declined.closed {
		t.Error("a line that one fork declined has no stream for the next")
	}
	say(media.ClientSide, media.Offer, lines(t, "4000", "0"))
	say(media.UCSide, media.Answer, lines(t, "5000", "0"))
	if len(talk.Streams) != 1 || !declined.closed {
		t.Errorf("a line that both have off keeps its stream: %v", talk.Streams)
	}
	kept := talk.Streams[0]
	say(media.ClientSide, media.Offer, lines(t, "4000", "0", "4004"))
	extra := talk.Streams[2]
	talk.Rollback(0)
	if len(talk.Streams) != 1 || kept.closed || !extra.closed {
		t.Errorf("after the refusal: %v, kept closed %v, extra closed %v", talk.Streams, kept.closed, extra.closed)
	}
	if c, u := talk.Flows(lines(t, "4000")[0], lines(t, "0")[0]); c || u {
		t.Error("media flows on a line that is off")
	}
}

// A call whose media the relay has given up leaves the list, and its number and
// serial name it until then.
func TestWatchForgetsDeadCalls(t *testing.T) {
	now := time.Unix(1000, 0)
	clock := func() time.Time { return now }
	var events []string
	w := &Watch{
		Log: slog.New(slog.DiscardHandler), Clock: clock, Alarms: alarm.NewBook(clock), Most: 10,
		Event: func(name string, _ func() *xapi.Node) { events = append(events, name) },
		Relay: media.New(media.Config{}),
	}
	w.Calls = signaling.NewCalls(clock, w.Most, w.Changed)
	m, err := sip.Question{Method: "INVITE", Target: "sip:bob@example.com", From: "sip:alice@example.com", Tag: "1", CallID: "c", CSeq: 1, Hops: 70, Contact: "sip:alice@192.0.2.1"}.Message()
	if err != nil {
		t.Fatal(err)
	}
	w.Calls.Begin(7, m, "t", "inward", 1)
	w.Calls.Connected(7)
	found, err := w.Named("1", "")
	if err != nil || found.Session != 7 {
		t.Errorf("call 1: %+v, %v", found, err)
	}
	if again, err := w.Named("", found.Serial()); err != nil || again.Session != 7 {
		t.Errorf("by serial: %+v, %v", again, err)
	}
	if _, err := w.Named("2", ""); err == nil {
		t.Error("there is a second call")
	}
	now = now.Add(forgotten + time.Second)
	w.sweep()
	if n, _, _ := w.Calls.Counts(); n != 0 || len(events) != 3 || events[2] != "CallDisconnected" {
		t.Errorf("%d calls are left, told %v", n, events)
	}
}
