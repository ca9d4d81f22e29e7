package lab

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// frameKind says what came off a stream.
type frameKind uint8

const (
	frameMessage frameKind = iota
	framePing              // CRLF CRLF, RFC 5626 3.5.1
	framePong              // CRLF
	frameSTUN              // RFC 5626 3.5.2
)

const maxMessage = 64 << 10 // the largest a UDP datagram could be

var errTooLong = errors.New("lab: message longer than 64 KiB")

// readFrame reads the next whole thing from a stream.
func readFrame(r *bufio.Reader) ([]byte, frameKind, error) {
	first, err := r.Peek(1)
	switch {
	case err != nil:
		return nil, 0, err
	case first[0] < 2:
		return readSTUN(r)
	case first[0] == '\r':
		return readCRLF(r)
	}
	raw, err := readMessage(r)
	return raw, frameMessage, err
}

func readSTUN(r *bufio.Reader) ([]byte, frameKind, error) {
	head, err := r.Peek(20)
	if err != nil {
		return nil, 0, err
	}
	raw := make([]byte, 20+int(binary.BigEndian.Uint16(head[2:])))
	_, err = io.ReadFull(r, raw)
	return raw, frameSTUN, err
}

// readCRLF takes one CRLF for a pong and two for a ping; two that come in
// separate segments count as two pongs, which harms nobody.
func readCRLF(r *bufio.Reader) ([]byte, frameKind, error) {
	var two [2]byte
	if _, err := io.ReadFull(r, two[:]); err != nil {
		return nil, 0, err
	}
	if two != [2]byte{'\r', '\n'} {
		return nil, 0, fmt.Errorf("lab: stray %q", two[:])
	}
	if next, _ := r.Peek(min(2, r.Buffered())); string(next) == "\r\n" {
		_, err := r.Discard(2)
		return []byte("\r\n\r\n"), framePing, err
	}
	return two[:], framePong, nil
}

func readMessage(r *bufio.Reader) ([]byte, error) {
	var raw bytes.Buffer
	for {
		line, err := r.ReadSlice('\n')
		raw.Write(line)
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, err
		}
		if raw.Len() > maxMessage {
			return nil, errTooLong
		}
		if bytes.HasSuffix(raw.Bytes(), []byte("\r\n\r\n")) {
			break
		}
	}
	n, err := contentLength(raw.String())
	if err != nil {
		return nil, err
	}
	_, err = io.CopyN(&raw, r, int64(n))
	return raw.Bytes(), err
}

func contentLength(head string) (int, error) {
	for _, line := range strings.Split(head, "\r\n") {
		name, value, _ := strings.Cut(line, ":")
		if canonical(name) != "Content-Length" {
			continue
		}
		n, err := strconv.Atoi(strings.TrimSpace(value))
		if err != nil || n < 0 || n > maxMessage {
			return 0, fmt.Errorf("lab: bad Content-Length %q", value)
		}
		return n, nil
	}
	return 0, nil
}
