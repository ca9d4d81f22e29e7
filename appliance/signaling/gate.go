package signaling

import (
	"hash/maphash"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/sip"
)

// gate says why a request may not be forwarded, or nil (RFC 3261 16.3).
func (p *Proxy) gate(c Conn, m *sip.Message) *StatusError {
	if m.MaxForwards() == 0 {
		p.count.refused.Add(1)
		return &StatusError{Status: 483, Reason: "Too Many Hops"}
	}
	if unknown := p.unknownExtensions(m); len(unknown) > 0 {
		p.count.refused.Add(1)
		return &StatusError{Status: 420, Reason: "Bad Extension",
			Fields: []sip.Field{{Name: "Unsupported", Value: strings.Join(unknown, ", ")}}}
	}
	if p.looped(c, m) {
		p.count.refused.Add(1)
		return &StatusError{Status: 482, Reason: "Loop Detected"}
	}
	return nil
}

func (p *Proxy) unknownExtensions(m *sip.Message) (unknown []string) {
	if !m.Has("Proxy-Require") {
		return nil
	}
	for _, tag := range m.Values("Proxy-Require") {
		if !slices.ContainsFunc(p.cfg.ProxyRequire, func(k string) bool { return strings.EqualFold(k, tag) }) {
			unknown = append(unknown, tag)
		}
	}
	return unknown
}

// looped tells a loop from a spiral: it is a loop if the request has been here
// before with the very fields that decide its way (RFC 5393 4.2). Our branch
// identifiers are magic, 16 hex digits that nobody can guess and 16 that stand
// for everything the request was routed by. The second part is keyed with a
// secret of this process, so only a Via that we wrote ourselves matches.
func (p *Proxy) looped(c Conn, m *sip.Message) bool {
	vias := 0
	for range m.Each("Via") {
		vias++
	}
	if vias < 2 {
		return false
	}
	mark := p.loopMark(c, m)
	for v := range m.Each("Via") {
		if strings.Contains(v, string(mark[:])) {
			return true
		}
	}
	return false
}

// loopMark is 16 hex digits.
type loopMark [16]byte

// loopMark digests what the way of a request depends on.
func (p *Proxy) loopMark(c Conn, m *sip.Message) (mark loopMark) {
	var room [512]byte
	n, method := m.CSeq()
	b := strconv.AppendUint(room[:0], uint64(n), 10)
	for _, s := range [...]string{c.Zone(), method, m.URI(), m.CallID(), m.FromTag(), m.ToTag()} {
		b = append(append(b, 0), s...)
	}
	for _, route := range m.Rows("Route") {
		b = append(append(b, 0), route...)
	}
	appendHex16(mark[:0], maphash.Bytes(p.seed, b))
	return mark
}

// newBranch makes the identifier of a branch; a request of our own has no mark.
func (p *Proxy) newBranch(mark loopMark) string {
	var b [len(magic) + 32]byte
	id := appendHex16(append(b[:0], magic...), p.cfg.Rand())
	if mark == (loopMark{}) {
		return string(appendHex16(id, p.cfg.Rand()))
	}
	return string(append(id, mark[:]...))
}

func appendHex16(dst []byte, n uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[n>>shift&15])
	}
	return dst
}
