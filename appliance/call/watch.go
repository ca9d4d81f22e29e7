package call

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/xapi"
)

// Watch looks after all calls of a node: it tells what becomes of them, in the
// log, to whoever registered for feedback, by the alarms and in xStatus. The
// fields are set once, before use; its methods may be called from any goroutine.
type Watch struct {
	Log    *slog.Logger
	Clock  func() time.Time
	Alarms *alarm.Book
	Event  func(name string, detail func() *xapi.Node) // for whoever registered for feedback
	Calls  *signaling.Calls
	Relay  *media.Relay
	Most   int // calls at a time

	Bandwidth Bandwidth // what media takes
}

// Changed tells whoever listens what became of a call.
func (w *Watch) Changed(name string, call signaling.Call) {
	level := slog.LevelInfo
	if name == "CallAttempt" {
		level = slog.LevelDebug // how it ends is told in any case
	}
	if log, ctx := w.Log.Handler(), context.Background(); log.Enabled(ctx, level) {
		// Not by a method of the logger: that would look up who calls it, for nobody.
		said := slog.NewRecord(w.Clock(), level, "call", 0)
		said.AddAttrs(slog.String("event", name), slog.String("from", call.From), slog.String("to", call.To),
			slog.String("direction", call.Direction), slog.String("call", call.Serial()), slog.String("trace", call.Trace))
		if call.Status != 0 {
			said.AddAttrs(slog.Int("status", call.Status))
		}
		_ = log.Handle(ctx, said) // it has nowhere to say that it failed
	}
	w.Event(name, func() *xapi.Node {
		n := xapi.NewNode(name)
		call.Report(n, w.Clock())
		return n
	})
}

// Silent names a call of which one side, or both, is not heard, and why.
func (w *Watch) Silent(s media.Silence) {
	w.Log.Warn("media silent", "event", "silent", "side", s.Side.String(), "stream", s.Stream, "why", s.Cause,
		"all", s.All, "call", strconv.FormatUint(uint64(s.Session), 16), "trace", s.Trace)
}

// Look keeps the list and the alarms that hang on how calls fare now; it is
// called every few seconds.
func (w *Watch) Look(p Plan) {
	w.sweep()
	calls, _, _ := w.Calls.Counts()
	w.Capacity(p, "calls", calls, w.Most)
	w.Alarms.Set(xapi.AlarmCallCapacity, "", calls >= w.Most, fmt.Sprintf("Calls in progress: %d.", calls))
	w.Bandwidth.take(p, w.Relay.Status(), w.Clock())
	if kbit, _, limit := w.Bandwidth.counts(); limit > 0 {
		w.Capacity(p, "kbit/s of media", kbit, limit)
	} else {
		w.Alarms.Lower(xapi.AlarmCapacity, "kbit/s of media")
	}
	_, pairs, _ := w.Relay.Load()
	w.Capacity(p, "media port pairs", pairs, p.Pairs)
	w.Alarms.Set(xapi.AlarmMediaPorts, "", pairs >= p.Pairs, fmt.Sprintf("All %d port pairs are in use.", p.Pairs))
}

// Capacity warns from a percentage of what there is; 0 warns never.
func (w *Watch) Capacity(p Plan, what string, used, most int) {
	near := p.Warning > 0 && used*100 >= most*p.Warning
	w.Alarms.Set(xapi.AlarmCapacity, what, near, fmt.Sprintf("%d of %d %s are in use.", used, most, what))
}

// forgotten is after how long a call is taken for over that has no media here
// any more: its BYE went another way, or was never sent.
const forgotten = 10 * time.Minute

// sweep takes calls off the list whose media the relay has given up.
func (w *Watch) sweep() {
	live := w.streams()
	for _, call := range w.Calls.List() {
		_, has := live[call.Session]
		if call.State == signaling.Connected && !has && w.Clock().Sub(call.Since) > forgotten {
			w.Calls.End(call.Session)
		}
	}
}

// streams is the media of each call.
func (w *Watch) streams() map[uint64]media.SessionStats {
	all := map[uint64]media.SessionStats{}
	for _, s := range w.Relay.Status() {
		all[uint64(s.ID)] = s
	}
	return all
}

// Report shows signalling and media of each call side by side.
func (w *Watch) Report(t *xapi.Node) {
	streams := w.streams()
	for i, call := range w.Calls.List() {
		n := t.Nth("Call", i+1)
		call.Report(n, w.Clock())
		streams[call.Session].Report(n)
	}
}

// Named finds a call by its number in xStatus Calls or its serial number.
func (w *Watch) Named(number, serial string) (signaling.Call, error) {
	for i, call := range w.Calls.List() {
		if call.Serial() == serial || strconv.Itoa(i+1) == number {
			return call, nil
		}
	}
	return signaling.Call{}, fmt.Errorf("there is no call %s%s; see xStatus Calls", number, serial)
}
