package sip

import (
	"fmt"

	agent "github.com/emiago/sipgo/sip"
)

// A Question is a request that this node asks in its own name, as a user agent:
// nothing of it came from anybody else, so it is made of sipgo's types, and the
// strict gate reads what they write.
type Question struct {
	Method  string
	Target  string // Request-URI and To
	From    string // our own URI
	Tag     string // of From
	CallID  string
	CSeq    uint32
	Hops    uint32 // Max-Forwards
	Contact string // our own URI with its transport
}

// Message is the question as the proxy core sends it; only the Via is missing.
// The error names what cannot be written.
func (q Question) Message() (*Message, error) {
	var target, from, contact agent.Uri
	for text, uri := range map[string]*agent.Uri{q.Target: &target, q.From: &from, q.Contact: &contact} {
		if err := agent.ParseUri(text, uri); err != nil {
			return nil, fmt.Errorf("%s %s: %w", q.Method, text, err)
		}
	}
	method := agent.RequestMethod(q.Method)
	hops, id := agent.MaxForwardsHeader(q.Hops), agent.CallIDHeader(q.CallID)
	tag := agent.NewParams()
	tag.Add("tag", q.Tag)
	r := agent.NewRequest(method, target)
	for _, h := range []agent.Header{
		&hops, &agent.FromHeader{Address: from, Params: tag}, &agent.ToHeader{Address: target, Params: agent.NewParams()},
		&id, &agent.CSeqHeader{SeqNo: q.CSeq, MethodName: method}, &agent.ContactHeader{Address: contact, Params: agent.NewParams()},
	} {
		r.AppendHeader(h)
	}
	r.SetBody(nil)
	m, fault := parseOwn([]byte(r.String()))
	if fault != nil {
		return nil, fmt.Errorf("%s %s: %w", q.Method, q.Target, fault)
	}
	return m, nil
}

// parseOwn reads a message of ours that has no Via yet, which the gate demands
// of everybody else's.
func parseOwn(raw []byte) (*Message, *Fault) {
	const own = "Via: SIP/2.0/TCP own.invalid;branch=z9hG4bK0\r\n"
	end := 0
	for end < len(raw) && raw[end] != '\n' {
		end++
	}
	if end == len(raw) {
		return nil, bad("no start line")
	}
	with := append(append(append([]byte{}, raw[:end+1]...), own...), raw[end+1:]...)
	m, fault := Parse(with)
	if fault == nil {
		m.Remove("Via")
	}
	return m, fault
}
