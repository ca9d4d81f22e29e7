// Package stun answers the little of STUN (RFC 8489) that a relay and a SIP
// flow need: it tells a STUN message from other bytes and answers a plain
// binding request. Credentials and ICE belong to others. Its callers are
// media, flow and turn.
package stun

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/pion/stun/v4"
)

// HeaderSize is the size of the fixed header.
const HeaderSize = 20

// MaxSize bounds a message: a binding request with every attribute that
// clients send stays below 200 bytes.
const MaxSize = 548

// ErrNotForUs is a message that gets no answer: no binding request, or one
// that wants its credentials checked.
var ErrNotForUs = errors.New("stun: no plain binding request")

// Is reports whether b begins like a STUN message with a magic cookie.
func Is(b []byte) bool {
	return len(b) >= HeaderSize && b[0]&0xc0 == 0 &&
		binary.BigEndian.Uint32(b[4:]) == 0x2112A442 && b[3]&3 == 0
}

// Unproven reports whether b is a request without credentials.
func Unproven(b []byte) bool {
	const request, integrity, integrity256 = 0, 0x0008, 0x001c
	if !Is(b) || binary.BigEndian.Uint16(b)&0x0110 != request {
		return false
	}
	for at := b[HeaderSize:]; len(at) >= 4; {
		if kind := binary.BigEndian.Uint16(at); kind == integrity || kind == integrity256 {
			return false
		}
		next := 4 + (int(binary.BigEndian.Uint16(at[2:]))+3)&^3
		if next > len(at) {
			break
		}
		at = at[next:]
	}
	return true
}

// Frame is the length of the message that a stream begins with; 0 means that
// more bytes are needed, -1 that this is no STUN message.
func Frame(b []byte) int {
	if len(b) < HeaderSize {
		return prefix(b)
	}
	n := HeaderSize + int(binary.BigEndian.Uint16(b[2:]))
	switch {
	case !Is(b) || n > MaxSize:
		return -1
	case len(b) < n:
		return 0
	}
	return n
}

// prefix judges less than a header.
func prefix(b []byte) int {
	if len(b) > 0 && b[0]&0xc0 != 0 {
		return -1
	}
	cookie := [4]byte{0x21, 0x12, 0xA4, 0x42}
	for i := 4; i < len(b) && i < 8; i++ {
		if b[i] != cookie[i-4] {
			return -1
		}
	}
	return 0
}

// AnswerTo builds the answer to a binding request that came from an address.
// Attributes that must be understood and are not get 420.
func AnswerTo(req []byte, from netip.AddrPort) ([]byte, error) {
	if !Is(req) || len(req) > MaxSize {
		return nil, ErrNotForUs
	}
	m := &stun.Message{Raw: req}
	if m.Decode() != nil || m.Type != stun.BindingRequest ||
		m.Contains(stun.AttrMessageIntegrity) || m.Contains(stun.AttrUsername) {
		return nil, ErrNotForUs
	}
	setters := []stun.Setter{m, stun.BindingSuccess, &stun.XORMappedAddress{
		IP: from.Addr().Unmap().AsSlice(), Port: int(from.Port()),
	}}
	if unknown := notUnderstood(m); len(unknown) > 0 {
		setters = []stun.Setter{m, stun.BindingError, stun.CodeUnknownAttribute, unknown}
	}
	if m.Contains(stun.AttrFingerprint) {
		setters = append(setters, stun.Fingerprint)
	}
	out, err := stun.Build(setters...)
	if err != nil {
		return nil, err
	}
	return out.Raw, nil
}

// notUnderstood lists the comprehension-required attributes we ignore
// nothing of: a plain request needs none of them.
func notUnderstood(m *stun.Message) stun.UnknownAttributes {
	var all stun.UnknownAttributes
	for _, a := range m.Attributes {
		if a.Type < 0x8000 && a.Type != stun.AttrPriority && a.Type != stun.AttrUseCandidate && a.Type != stun.AttrChangeRequest {
			all = append(all, a.Type)
		}
	}
	return all
}

// Asks reports whether b is a binding request of one ICE agent to another (RFC
// 8445 7.2.2): of that user name, signed with that password.
func Asks(b []byte, user, password string) bool {
	if !Is(b) || len(b) > MaxSize {
		return false
	}
	m := &stun.Message{Raw: b}
	if m.Decode() != nil || m.Type != stun.BindingRequest {
		return false
	}
	name, err := m.Get(stun.AttrUsername)
	return err == nil && string(name) == user && stun.NewShortTermIntegrity(password).Check(m) == nil
}

// BindingRequest makes a request with the transaction id given.
func BindingRequest(id [12]byte) []byte {
	m := stun.MustBuild(stun.BindingRequest, stun.NewTransactionIDSetter(id))
	return m.Raw
}

// Mapped reads the address out of a success response.
func Mapped(b []byte) (netip.AddrPort, bool) {
	m := &stun.Message{Raw: b}
	if !Is(b) || m.Decode() != nil || m.Type != stun.BindingSuccess {
		return netip.AddrPort{}, false
	}
	var x stun.XORMappedAddress
	if x.GetFrom(m) != nil {
		return netip.AddrPort{}, false
	}
	a, ok := netip.AddrFromSlice(x.IP)
	return netip.AddrPortFrom(a.Unmap(), uint16(x.Port)), ok
}
