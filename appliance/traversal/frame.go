package traversal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame on a stream channel is
//
//	1 type | 1 zero | 2 length | 4 stream | length bytes
//
// in network order. The end that dialled opens odd streams, the other even
// ones, each in rising order.
const (
	frameOpen   = 1 // kind and tag, each with a length byte
	frameData   = 2 // at most the credit that the receiver gave
	frameCredit = 3 // 4 bytes: that much more may be sent
	frameFin    = 4 // the sender sends no more data
	frameStop   = 5 // the sender reads no more data
	frameReset  = 6 // the stream is over, both ways; text says why

	frameHeader = 8
	maxFrame    = 16 << 10
)

type frame struct {
	kind    byte
	stream  uint32
	payload []byte // valid until the next frame is read
}

var errFrame = errors.New("broken stream frame")

// readFrame reads one frame into buf, which holds maxFrame bytes.
func readFrame(r *bufio.Reader, buf []byte) (frame, error) {
	var h [frameHeader]byte
	if _, err := io.ReadFull(r, h[:]); err != nil {
		return frame{}, err
	}
	f := frame{kind: h[0], stream: binary.BigEndian.Uint32(h[4:])}
	n := int(binary.BigEndian.Uint16(h[2:]))
	if h[1] != 0 || n > maxFrame || f.stream == 0 || !f.plausible(n) {
		return frame{}, fmt.Errorf("%w: type %d, length %d, stream %d", errFrame, h[0], n, f.stream)
	}
	f.payload = buf[:n]
	_, err := io.ReadFull(r, f.payload)
	return f, err
}

// plausible checks the length against the type.
func (f frame) plausible(n int) bool {
	switch f.kind {
	case frameOpen:
		return n >= 3 && n <= 2+maxKind+maxTag
	case frameData:
		return n > 0
	case frameCredit:
		return n == 4
	case frameFin, frameStop:
		return n == 0
	case frameReset:
		return n <= maxReason
	}
	return false
}

func appendFrame(dst []byte, kind byte, stream uint32, payload []byte) []byte {
	dst = append(dst, kind, 0)
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(payload)))
	dst = binary.BigEndian.AppendUint32(dst, stream)
	return append(dst, payload...)
}

const (
	maxKind   = 32
	maxTag    = 128
	maxReason = 256
)

func openPayload(kind, tag string) []byte {
	b := append(make([]byte, 0, 2+len(kind)+len(tag)), byte(len(kind)))
	b = append(append(b, kind...), byte(len(tag)))
	return append(b, tag...)
}

func parseOpen(b []byte) (kind, tag string, err error) {
	k, rest, ok := cutText(b, maxKind)
	if !ok || k == "" {
		return "", "", errFrame
	}
	t, rest, ok := cutText(rest, maxTag)
	if !ok || len(rest) != 0 {
		return "", "", errFrame
	}
	return k, t, nil
}

func cutText(b []byte, max int) (s string, rest []byte, ok bool) {
	if len(b) == 0 || int(b[0]) > max || len(b) < 1+int(b[0]) {
		return "", nil, false
	}
	n := 1 + int(b[0])
	return string(b[1:n]), b[n:], true
}
