package signaling

import (
	"encoding/binary"
	"strings"
	"time"

	"sallyport/appliance/sip"
)

// answered is what stays of an INVITE once its 2xx was relayed: what it takes
// to relay repeats of that, and those of other forks (RFC 6026, Timer M). The
// transaction itself goes: a busy node has a hundred thousand of them in the
// half minute for which they are waited for. Each waits as plain bytes, which
// the collector does not look into; this is one taken out.
type answered struct {
	far
	back     Conn // towards the caller
	port     uint16
	trace    string
	vias     string             // those that HideVia keeps, a line each
	kept     []byte             // of Branch.Kept; nil: response is what edits
	response func(*sip.Message) // OnResponse of the branch, where it kept nothing
	until    time.Duration
}

// A Keeper writes down what the OnResponse of an INVITE needs to know of it, so
// that Config.Revive can make an edit of that for a 2xx that comes late: nothing
// else of the INVITE is held then.
type Keeper interface {
	// AppendKept appends to b; ok is false if that cannot be told in bytes.
	AppendKept(b []byte) (_ []byte, ok bool)
}

// settle replaces the transaction of a branch whose 2xx was relayed.
func (b *branch) settle() {
	t := b.tx
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.state != accepted || b.state != branchAccepted || b.Msg == nil {
		return
	}
	b.recorded = len(b.Msg.Values("Record-Route"))
	b.Msg, b.Next, b.Dial, t.Msg = nil, nil, nil, nil
	if t.Conn == nil || !t.soleLocked(b) {
		return
	}
	p := t.proxy
	a := answered{far: b.farLocked(), back: t.Conn, port: t.port, trace: t.Trace, vias: strings.Join(b.vias, "\n"), until: b.limit}
	a.keep(b)
	p.answered.add(&a, b.id, t.key, p.now())
	b.endLocked()
	t.state = gone
	t.settleLocked()
}

// keep takes what the branch's edit needs, or the edit itself.
func (a *answered) keep(b *branch) {
	if b.OnResponse == nil {
		return
	}
	if b.Kept != nil {
		var room [128]byte
		if kept, ok := b.Kept.AppendKept(room[:0]); ok {
			a.kept = kept
			return
		}
	}
	a.response = b.OnResponse
}

// soleLocked tells whether no other branch may still bring something.
func (t *transaction) soleLocked(b *branch) bool {
	for _, other := range t.branches {
		if other != b && other.state != branchGone {
			return false
		}
	}
	return true
}

// relay sends a 2xx on that came after the first one.
func (a *answered) relay(m *sip.Message) {
	p := a.proxy
	seen := dialogOf(m)
	m.PopFirst("Via")
	if a.vias != "" {
		m.SetAll("Via", strings.Split(a.vias, "\n"))
	}
	if !m.Has("Via") || !a.edit(m) {
		p.stray(m, "INVITE")
		a.hangUp(seen)
		return
	}
	if m.Status() >= 300 { // spoiled: the caller has a 2xx already
		a.hangUp(seen)
		return
	}
	p.tap(a.back, true, a.trace, m)
	_ = sendOnce(a.back, a.port, m)
}

func (a *answered) edit(m *sip.Message) bool {
	return a.proxy.shielded("response", a.trace, func() {
		edit := a.response
		if a.kept != nil {
			edit = a.proxy.cfg.Revive(a.kept, a.back, a.trace)
		}
		if edit != nil {
			edit(m)
		}
	})
}

// appendTo writes it down; the connections and the edit are the table's.
func (a *answered) appendTo(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(a.cseq))
	b = binary.AppendUvarint(b, uint64(a.recorded))
	b = binary.AppendUvarint(b, uint64(a.port))
	b = AppendText(b, a.via)
	b = AppendText(b, a.trace)
	b = AppendText(b, a.vias)
	return append(b, a.kept...)
}

func (a *answered) read(b []byte) {
	var n uint64
	n, b = cutNumber(b)
	a.cseq = uint32(n)
	n, b = cutNumber(b)
	a.recorded = int(n)
	n, b = cutNumber(b)
	a.port = uint16(n)
	a.via, b = CutText(b)
	a.trace, b = CutText(b)
	a.vias, b = CutText(b)
	if len(b) > 0 {
		a.kept = append([]byte(nil), b...)
	}
}

// AppendText appends a text so that CutText finds its end.
func AppendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func cutNumber(b []byte) (uint64, []byte) {
	n, size := binary.Uvarint(b)
	return n, b[size:]
}

// CutText takes the first text of what AppendText made, which must be whole.
func CutText(b []byte) (string, []byte) {
	n, b := cutNumber(b)
	return string(b[:n]), b[n:]
}
