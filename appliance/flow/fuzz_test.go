package flow

import (
	"bytes"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"sallyport/appliance/sip"
)

// sink is a connection that takes everything and brings nothing.
type sink struct{ out bytes.Buffer }

func (s *sink) Write(b []byte) (int, error)      { return s.out.Write(b) }
func (s *sink) Read([]byte) (int, error)         { return 0, io.EOF }
func (s *sink) Close() error                     { return nil }
func (s *sink) LocalAddr() net.Addr              { return nil }
func (s *sink) RemoteAddr() net.Addr             { return nil }
func (s *sink) SetDeadline(time.Time) error      { return nil }
func (s *sink) SetReadDeadline(time.Time) error  { return nil }
func (s *sink) SetWriteDeadline(time.Time) error { return nil }

// feed reads a stream in pieces of a size and returns what came of it: the
// messages, what was answered, and whether the stream is lost.
func feed(stream []byte, size int) (messages, answers string, lost bool) {
	var seen bytes.Buffer
	f := New(Config{OnMessage: func(_ *Conn, m *sip.Message) { seen.Write(m.Bytes()) },
		OnFault: func(_ *Conn, fault *sip.Fault) { seen.WriteString(fault.Reason) }})
	f.limits.Store(Limits{MessageSize: 2000, FlowBurst: 1 << 30}.withDefaults())
	out := &sink{}
	c := &Conn{flows: f, net: out, listener: Listener{Open: true}, over: make(chan struct{}),
		remote: netip.MustParseAddrPort("192.0.2.9:4000")}
	c.authenticated.Store(true)
	r := &reader{Conn: c}
	for len(stream) > 0 && !lost {
		n := min(size, len(stream))
		if r.buf == nil {
			kept := r.held
			r.borrow()
			copy(r.buf, r.idle[:kept])
		}
		for r.held+n > len(r.buf) {
			r.grow()
		}
		r.held += copy(r.buf[r.held:], stream[:n])
		stream = stream[n:]
		lost = r.consume() != nil
		if !lost && !r.busy() {
			r.settle()
		}
	}
	r.giveBack()
	return seen.String(), out.out.String(), lost
}

// FuzzReader reads any stream, whole and byte by byte: the same must come of
// it. A stream that is lost may have been lost later in small pieces, but not
// with other messages before.
func FuzzReader(f *testing.F) {
	f.Add([]byte(message(1, 3) + "\r\n\r\n" + message(2, 0)))
	f.Add([]byte("\r\n\r\n\x00\x01\x00\x00\x21\x12\xa4\x42123456789012" + message(3, 10) + "\r\n"))
	f.Add([]byte(message(4, 3000)))
	f.Add([]byte("\x00\x01\x00\x03\x21\x12\xa4\x42"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		whole, pong, lost := feed(stream, len(stream)+1)
		bytewise, pong1, lost1 := feed(stream, 1)
		if lost || lost1 {
			return
		}
		if whole != bytewise {
			t.Errorf("whole %q, byte by byte %q", whole, bytewise)
		}
		if len(pong) > len(pong1) { // pings in one read are answered once
			t.Errorf("answers: whole %q, byte by byte %q", pong, pong1)
		}
	})
}
