package sip

import "strings"

// seen counts the fields of the message being parsed: which kinds were there,
// which more than once, and the row of the first of each.
type seen struct {
	once, twice uint64
	at          [kinds]uint8
}

func (s *seen) note(k kind, row int) {
	bit := uint64(1) << k
	if s.once&bit == 0 {
		s.at[k] = uint8(row) // MaxFields fits
	}
	s.twice |= s.once & bit
	s.once |= bit
}

func (s *seen) has(k kind) bool { return s.once>>k&1 != 0 }
func (s *seen) row(k kind) int  { return int(s.at[k]) }

// gate holds what must be true of every message before anything routes it.
func (m *Message) gate(s *seen) *Fault {
	single := uint64(singleRequest)
	if !m.Request() {
		single = singleAlways
	}
	if s.twice&single != 0 {
		return s.duplicate(single)
	}
	for _, k := range [...]kind{kVia, kFrom, kTo, kCallID, kCSeq} {
		if !s.has(k) {
			return bad("Missing " + k.String())
		}
	}
	if f := m.checkCSeq(s.row(kCSeq)); f != nil {
		return f
	}
	if !m.checkAddr(s.row(kFrom), &m.known.fromTag) {
		return bad("Malformed From")
	}
	if !m.checkAddr(s.row(kTo), &m.known.toTag) {
		return bad("Malformed To")
	}
	if id := m.value(s.row(kCallID)); id == "" || strings.IndexByte(id, ' ') >= 0 || strings.IndexByte(id, '\t') >= 0 {
		return bad("Malformed Call-ID")
	}
	if !m.checkVia(s.row(kVia)) {
		return bad("Malformed Via")
	}
	if s.has(kMaxForwards) {
		if _, ok := digits(m.value(s.row(kMaxForwards)), 255); !ok {
			return bad("Malformed Max-Forwards")
		}
	}
	if s.has(kRoute) && !m.routesOK(s.row(kRoute)) {
		return bad("Malformed Route")
	}
	return nil
}

func (s *seen) duplicate(single uint64) *Fault {
	for k := kVia; k < kinds; k++ {
		if s.twice&single>>k&1 != 0 {
			return bad("Duplicate " + k.String())
		}
	}
	return nil
}

func (m *Message) checkCSeq(row int) *Fault {
	n, method, ok := parseCSeq(m.value(row))
	switch {
	case !ok:
		return bad("Malformed CSeq")
	case m.Request() && method != m.word:
		return bad("CSeq Method Mismatch")
	}
	m.known.number = n
	m.known.cseq.find(m, row, method)
	return nil
}

func (m *Message) checkAddr(row int, tag *piece) bool {
	a, ok := scanAddr(m.value(row), "tag")
	tag.find(m, row, a.value)
	return ok
}

func (m *Message) checkVia(row int) bool {
	top, _ := cut(m.value(row))
	v, err := ParseVia(top)
	if branch, _ := param(v.Params, "branch"); branch != "" && branch[0] != '"' {
		m.known.branch.find(m, row, branch)
	}
	return err == nil
}

// parseCSeq reads "1 INVITE"; the number stays below 2^31.
func parseCSeq(v string) (uint32, string, bool) {
	i := 0
	for i < len(v) && isDigit(v[i]) {
		i++
	}
	n, ok := digits(v[:i], 1<<31-1)
	method := trimLeft(v[i:])
	if !ok || len(method) == len(v[i:]) || !isTokenText(method) || len(method) > maxMethod {
		return 0, "", false
	}
	return uint32(n), method, true
}

// routesOK checks every Route from row i on: the proxy follows it, so it must be
// addresses and nothing else.
func (m *Message) routesOK(i int) bool {
	for ; i >= 0; i = m.find(kRoute, "", i+1) {
		rest := m.value(i)
		if rest == "" {
			return false
		}
		for rest != "" {
			var v string
			v, rest = cut(rest)
			if a, ok := scanAddr(v, ""); !ok || a.uri == 0 {
				return false
			}
		}
	}
	return true
}

// checkRequestURI lets sip:, sips:, tel: and urn: URIs pass that can stand in a
// start line; a URI with headers in it must not (RFC 3261 19.1.1).
func checkRequestURI(s string) *Fault {
	if len(s) > maxURI {
		return &Fault{Status: 414, Reason: "Request-URI Too Long"}
	}
	u, err := ParseURI(s)
	if err != nil {
		return bad("Malformed Request-URI")
	}
	switch u.Scheme {
	case "sip", "sips":
		if u.Headers != "" {
			return bad("Headers In Request-URI")
		}
	case "tel", "urn":
	default:
		return &Fault{Status: 416, Reason: "Unsupported URI Scheme"}
	}
	return nil
}
