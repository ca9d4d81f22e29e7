package flow

import "sallyport/appliance/stun"

// mayBeSTUN tells STUN from SIP by its first byte: the types that clients send
// begin with 0 or 1, SIP and line ends do not.
func mayBeSTUN(b []byte) bool { return b[0] < 2 }

// stun answers the STUN message at the head of b (RFC 5626 4.4.2: clients ask
// for their address to keep the connection alive).
func (r *reader) stun(b []byte) (int, error) {
	n := stun.Frame(b)
	if n < 0 {
		return 0, errFraming
	}
	if n == 0 {
		return 0, nil
	}
	answer, err := stun.AnswerTo(b[:n], r.remote)
	if err != nil {
		return n, nil // wants none
	}
	return n, r.pong(answer)
}
