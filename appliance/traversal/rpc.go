package traversal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
)

// A message on the control channel is
//
//	4 length of the rest | 1 type | 4 id | rest
//
// where a request's rest is the method, with a length byte, and the argument.
// Both ends ask and answer; ids are the asker's own.
const (
	rpcRequest = 1
	rpcAnswer  = 2
	rpcError   = 3 // the rest is text
	rpcCancel  = 4 // the asker waits no more

	rpcHeader = 5
	// MaxRPC bounds argument and answer of a call.
	MaxRPC = 1 << 20

	maxMethod   = 64
	maxAsked    = 256     // calls of ours under way
	maxAnswers  = 64      // calls of the peer under way
	maxArgBytes = 8 << 20 // … and what they hold together

	callTimeout = 10 * time.Second

	unknownMethod = "this node does not know the method" // a refusal that stays

	methodPing = "link.ping"
	pingEvery  = 30 * time.Second
)

var (
	errRPC      = errors.New("broken control message")
	errTooLarge = fmt.Errorf("control message is larger than %d bytes", MaxRPC)
)

type rpcMessage struct {
	kind   byte
	id     uint32
	method string // of a request
	body   []byte
}

func appendRPC(dst []byte, m rpcMessage) []byte {
	n := rpcHeader + len(m.body)
	if m.kind == rpcRequest {
		n += 1 + len(m.method)
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(n))
	dst = append(dst, m.kind)
	dst = binary.BigEndian.AppendUint32(dst, m.id)
	if m.kind == rpcRequest {
		dst = append(append(dst, byte(len(m.method))), m.method...)
	}
	return append(dst, m.body...)
}

func readRPC(r io.Reader) (rpcMessage, error) {
	var h [4 + rpcHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return rpcMessage{}, err
	}
	m := rpcMessage{kind: h[4], id: binary.BigEndian.Uint32(h[5:])}
	n := int64(binary.BigEndian.Uint32(h[:])) - rpcHeader
	if n < 0 || n > MaxRPC+1+maxMethod || m.kind < rpcRequest || m.kind > rpcCancel {
		return m, fmt.Errorf("%w: type %d, length %d", errRPC, m.kind, n)
	}
	m.body = make([]byte, n)
	if _, err := io.ReadFull(r, m.body); err != nil {
		return m, err
	}
	if m.kind != rpcRequest {
		return m, nil
	}
	method, rest, ok := cutText(m.body, maxMethod)
	if !ok {
		return m, fmt.Errorf("%w: no method", errRPC)
	}
	m.method, m.body = method, rest
	return m, nil
}
