package edge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"strings"
	"sync/atomic"

	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// Session persistency (guide): a client and call control that both name this
// option keep registration, subscriptions and calls while the client moves to
// another address or network. Edge holds what comes for such a client while it
// is away, and lets its dialogs follow it.
const optionPersist = "X-cisco-sessionpersist"

// persists tells what a registration agreed on; a refresh that lists no options
// leaves it as it was.
func persists(req, resp *sip.Message, before bool) bool {
	if !req.Has("Supported") {
		return before
	}
	return supports(resp) && supports(req) // the shorter list first
}

func supports(m *sip.Message) bool {
	for v := range m.Each("Supported") {
		if strings.EqualFold(v, optionPersist) {
			return true
		}
	}
	return false
}

// session is the media session of a dialog of a binding that persists: the same
// whether its requests come by the route that the dialog was given here, or
// without one since it began elsewhere.
func (t tokens) session(id flow.BindingID, callID string) uint64 {
	dialog := sha256.Sum256([]byte(callID))
	plain := binary.BigEndian.AppendUint64(dialog[:16:16], uint64(id))
	tag := sha256.Sum256([]byte(t.keys.Seal(purposeSession, "", plain)))
	return binary.BigEndian.Uint64(tag[:]) | 1
}

// sessionOf is the media session that a request of a binding, or for it, is of
// by its own words; 0 where it has none.
func (e *Edge) sessionOf(m *sip.Message, b *flow.Binding) uint64 {
	if homeOf(b).persists && (m.Method() == "INVITE" || m.ToTag() != "") {
		return e.tokens.session(b.ID, m.CallID())
	}
	return e.newSession(m)
}

// final is what a request's end means for its call. One that began elsewhere,
// and could not be taken over here, is none of ours.
func (e *Edge) final(m *sip.Message, session uint64, kind signaling.Description, status int) {
	e.desk.Settle(m, session, kind, status)
	if status >= 300 && session != 0 && m.Method() == "INVITE" && !e.media.Knows(media.SessionID(session)) {
		e.calls.End(session)
	}
}

// hold lets again decide once the client of a lost binding is back, or at the
// end of the reconnect time. It reports false where nothing is to be waited
// for.
func (e *Edge) hold(b flow.Binding, again func()) bool {
	if !homeOf(&b).persists {
		return false
	}
	now, since := e.clock(), b.Lost
	if since.IsZero() {
		since = now // it breaks just now
	}
	due := since.Add(e.plan.Load().Reconnect)
	if !due.After(now) || !e.holds.add(b.ID, due, again) {
		return false
	}
	if is, ok := e.bindings.Get(b.ID); !ok || is.Conn != nil && is.Conn != b.Conn {
		e.holds.release(b.ID) // it came, or went for good, meanwhile
	}
	return true
}

// follows makes the second try of a request that was lost with the connection
// of a client that persists: over its next one. A request that the client has
// heard is not repeated.
func (e *Edge) follows(spec *signaling.Branch, id flow.BindingID, was *flow.Conn) {
	again := *spec
	again.Msg, again.Conn = spec.Msg.Clone(), nil
	again.Dial = func(ctx context.Context) (signaling.Conn, error) { return e.comeBack(ctx, id, was) }
	var heard atomic.Bool
	edit := spec.OnResponse
	spec.OnResponse = func(resp *sip.Message) {
		heard.Store(heard.Load() || resp.Status() < 200)
		edit(resp)
	}
	spec.Next = func(status int) *signaling.Branch {
		if status != 430 || heard.Load() || !was.Closed() {
			return nil
		}
		return &again
	}
}

// comeBack waits for another connection of a client.
func (e *Edge) comeBack(ctx context.Context, id flow.BindingID, was *flow.Conn) (signaling.Conn, error) {
	gone := &signaling.StatusError{Status: 430, Reason: "Flow Failed"}
	for {
		b, ok := e.bindings.Get(id)
		if ok && b.Conn != nil && b.Conn != was {
			return b.Conn, nil
		}
		came := make(chan struct{})
		if !ok || !e.hold(b, func() { close(came) }) {
			return nil, gone
		}
		select {
		case <-came:
		case <-ctx.Done():
			return nil, gone
		}
	}
}

// moved tells those who wait what became of a binding, and ends the connection
// that a client has left for another one, because it roams or because it was
// woken: what is still on its way there is lost, and better known to be so at
// once.
func (e *Edge) moved(old, now *flow.Binding) {
	if now != nil && now.Conn == nil {
		return // it waits
	}
	is := old
	if now != nil {
		is = now
	}
	if is == nil {
		return
	}
	e.holds.release(is.ID)
	if now == nil || old == nil || old.Conn == nil || old.Conn == now.Conn || len(e.bindings.ByConn(old.Conn)) > 0 {
		return
	}
	if h := homeOf(now); h.persists || h.wakes {
		old.Conn.Close()
	}
}
