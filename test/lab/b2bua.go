package lab

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// A twoEnds is a call that call control stands in as Unified CM does, by a dialog
// of its own with either end (RFC 7092): other Call-IDs, tags and Contacts on both
// sides, descriptions with its own origin, and ICE in them only where it is told to
// pass that. It calls the newest binding of a user.
type twoEnds struct {
	r              *Registrar
	invite         *serverTx
	caller, called *side

	mu        sync.Mutex // guards all below
	out       *clientTx
	cancelled bool
}

// side is one of the two dialogs.
type side struct {
	*ownDialog
	other *side

	mu     sync.Mutex
	invite uint32 // CSeq of the last INVITE that went out here
}

// between answers an INVITE with a call of its own.
func (r *Registrar) between(t *serverTx, h hop) {
	b := &twoEnds{r: r, invite: t}
	b.caller = b.side(dialogFrom(t.req))
	b.called = b.side(newDialog(bare(t.req.Get("From")), bare(t.req.Get("To"))))
	b.caller.other, b.called.other = b.called, b.caller
	b.called.target, b.called.routes = h.uri, h.routes
	t.reply(100, "Trying", "")
	b.promptly(h, func() { b.call(h) })
}

func (b *twoEnds) side(d *dialog) *side {
	s := &side{ownDialog: &ownDialog{dialog: d}}
	s.onRequest = func(t *serverTx) { b.onRequest(s, t) }
	s.onAck = func(m *Message) { b.onAck(s, m) }
	b.r.own.add(s.ownDialog)
	return s
}

// promptly does something in the order of the connection if the way to a hop is
// open, else as soon as it is.
func (b *twoEnds) promptly(h hop, do func()) {
	if b.r.linkNow(h) != nil {
		do()
	} else {
		b.r.background(do)
	}
}

// call sends the INVITE to the called side.
func (b *twoEnds) call(h hop) {
	l, err := b.r.linkFor(h)
	if err != nil {
		b.invite.reply(503, "No Way To Contact", b.caller.localTag)
		b.end()
		return
	}
	m := b.pass(b.invite.req, b.called, l)
	out := b.r.start(l, m, func(resp *Message) { b.onAnswer(b.caller, b.invite, resp, true) })
	b.mu.Lock()
	b.out = out
	cancelled := b.cancelled
	b.mu.Unlock()
	if cancelled {
		out.cancel()
	}
}

// ofDialog are headers that each dialog has of its own.
var ofDialog = []string{"Via", "Max-Forwards", "Route", "Record-Route", "From", "To", "Call-ID", "CSeq", "Contact",
	"Content-Length", "Authorization", "Proxy-Authorization", "RAck"}

// pass makes a request of one side into one of the other.
func (b *twoEnds) pass(req *Message, to *side, l *link) *Message {
	m := to.request(req.Method(), 0)
	b.dress(m, req, l)
	to.mu.Lock()
	defer to.mu.Unlock()
	if f := strings.Fields(req.Get("RAck")); len(f) == 3 {
		m.Add("RAck", fmt.Sprintf("%s %d %s", f[0], to.invite, f[2]))
	}
	if m.Method() == "INVITE" {
		to.invite = m.Seq()
	}
	return m
}

// dress gives a message what another says that is of no dialog.
func (b *twoEnds) dress(m, from *Message, l *link) {
	for _, f := range from.Fields {
		if !slices.Contains(ofDialog, f.Name) {
			m.Fields = append(m.Fields, f)
		}
	}
	if from.Get("Contact") != "" {
		m.Add("Contact", b.r.contactFor(l))
	}
	if m.Body = from.Body; m.Get("Content-Type") == "application/sdp" {
		m.Body = b.r.ownSDP(from.Body)
	}
}

// onAnswer passes an answer of the other side on to who asked.
func (b *twoEnds) onAnswer(asker *side, t *serverTx, resp *Message, first bool) {
	status := resp.Status()
	if status == 100 {
		return
	}
	if forms := t.req.Method() == "INVITE" && status < 300; first && forms {
		asker.other.learn(resp)
	} else if forms || t.req.Method() == "UPDATE" && status < 300 {
		asker.other.refresh(resp)
	}
	m := t.req.Reply(status, strings.TrimPrefix(resp.Start, fmt.Sprintf("SIP/2.0 %d ", status)), asker.localTag)
	if status < 300 && first {
		m.SetAll("Record-Route", t.req.All("Record-Route"))
	}
	b.dress(m, resp, t.link)
	t.respond(m)
	if first && status >= 300 || t.req.Method() == "BYE" && status >= 200 {
		b.end()
	}
}

// onRequest passes a request within one dialog to the other.
func (b *twoEnds) onRequest(from *side, t *serverTx) {
	switch t.req.Method() {
	case "CANCEL":
		b.cancel()
		return
	case "INVITE":
		t.reply(100, "Trying", "")
		fallthrough
	case "UPDATE":
		from.refresh(t.req)
	}
	h := hop{uri: from.other.hop()}
	b.promptly(h, func() {
		l, err := b.r.linkFor(h)
		if err != nil {
			t.reply(503, "No Way To Contact", "")
			return
		}
		b.r.start(l, b.pass(t.req, from.other, l), func(resp *Message) { b.onAnswer(from, t, resp, false) })
	})
}

func (b *twoEnds) cancel() {
	b.mu.Lock()
	b.cancelled = true
	out := b.out
	b.mu.Unlock()
	if out != nil {
		out.cancel()
	}
}

// onAck passes the ACK of a 2xx to the other side.
func (b *twoEnds) onAck(from *side, m *Message) {
	to := from.other
	to.mu.Lock()
	ack := to.request("ACK", to.invite)
	to.mu.Unlock()
	h := hop{uri: ack.URI(), routes: ack.All("Route")}
	b.promptly(h, func() {
		l, err := b.r.linkFor(h)
		if err != nil {
			return
		}
		b.dress(ack, m, l)
		b.r.passAck(nil, ack, h)
	})
}

func (b *twoEnds) end() {
	b.r.own.end(b.caller.callID)
	b.r.own.end(b.called.callID)
}

// ownSDP is a description with the origin of call control, and without ICE unless
// that is passed.
func (r *Registrar) ownSDP(body []byte) []byte {
	var out strings.Builder
	for line := range strings.Lines(string(body)) {
		f := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "o=") && len(f) == 6:
			line = fmt.Sprintf("o=CallControl %s %s IN IP4 %s\r\n", f[1], f[2], r.addrs["TCP"].Addr())
		case !r.cfg.PassICE && (strings.HasPrefix(line, "a=ice-") || strings.HasPrefix(line, "a=candidate:") || strings.HasPrefix(line, "a=remote-candidates:")):
			continue
		}
		out.WriteString(line)
	}
	return []byte(out.String())
}
