package flow

import (
	"encoding/hex"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/sip"
)

// TestMessages sends whole, split, glued and large messages over TLS and TCP,
// from strangers and from the inside, with keepalives between.
func TestMessages(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen, tcpOpen, tcpInside}}, nil)
	for name, c := range map[string]net.Conn{"tls": w.tls(tlsOpen), "tcp": w.tcp(tcpOpen), "inside": w.tcp(tcpInside)} {
		t.Run(name, func(t *testing.T) {
			one := message(1, 10)
			for i := range one {
				if i%40 == 0 {
					send(t, c, one[i:min(i+40, len(one))])
				}
			}
			send(t, c, "\r\n"+message(2, 0)+message(3, 20_000)+"\r\n\r\n"+message(4, 5000)+"\r\n")
			for n := 1; n <= 4; n++ {
				if got := w.next().msg.CallID(); got != strconv.Itoa(n) {
					t.Errorf("got message %s, want %d", got, n)
				}
			}
			same(t, reads(t, c, 2), []byte("\r\n"))
			send(t, c, "\r\n") // with the one left behind message 4, a ping
			same(t, reads(t, c, 2), []byte("\r\n"))
			send(t, c, message(5, 0))
			r := w.next()
			if err := r.conn.Send([]byte("answer")); err != nil {
				t.Fatal(err)
			}
			same(t, reads(t, c, 6), []byte("answer"))
		})
	}
}

// TestSTUN asks for our address on the SIP connection, glued to a message.
func TestSTUN(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen}}, nil)
	c := w.tls(tlsOpen)
	request, _ := hex.DecodeString("000100082112a442b7e7a701bc34d686fa87dfae" + "80220004" + "74657374")
	send(t, c, string(request[:3]))
	send(t, c, string(request[3:])+message(1, 0)+string(request))
	want, _ := hex.DecodeString("0101000c2112a442b7e7a701bc34d686fa87dfae" + "002000080001")
	port := c.LocalAddr().(*net.TCPAddr).Port ^ 0x2112
	want = append(want, byte(port>>8), byte(port), 127^0x21, 0x12, 0xa4, 1^0x42)
	same(t, reads(t, c, 32), want)
	same(t, reads(t, c, 32), want)
	w.next()
}

// TestFaults refuses what is not SIP: a bad message is reported and the next
// one read; a stream that has lost its framing ends.
func TestFaults(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tcpOpen}, Limits: Limits{MessageSize: 5000}}, nil)
	c := w.tcp(tcpOpen)
	send(t, c, strings.Replace(message(1, 0), "CSeq: 1", "CSeq: x", 1)+message(2, 0))
	if f := <-w.faults; f.Status != 400 || f.Msg == nil {
		t.Errorf("got %v, want an answerable 400", f)
	}
	w.next()
	send(t, c, message(3, 6000)[:5500])
	if f := <-w.faults; f.Status != 513 {
		t.Errorf("got %v, want 513", f)
	}
	ends(t, c)
	for _, garbage := range []string{"\x00\x01\xff\xff1234", "\x01\x01\x00\x00abcdefgh"} {
		c := w.tcp(tcpOpen)
		send(t, c, garbage)
		ends(t, c)
	}
	c = w.tcp(tcpOpen)
	for range mostFaults + 1 {
		_, _ = c.Write([]byte(strings.Replace(message(1, 0), "CSeq: 1", "CSeq: x", 1)))
	}
	ends(t, c)
}

// TestSlow holds every way of being slow against its deadline.
func TestSlow(t *testing.T) {
	const soon = 100 * time.Millisecond
	// Each limit has a world in which nothing else ends a connection, however
	// slow the machine.
	slow := func(name string, limits Limits, want error, act func(w *world) net.Conn) {
		kept := limits.IdleKept != 0
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Plan{Listeners: []Listener{tlsOpen, tcpOpen}, Limits: limits}, func(cfg *Config) {
				pass := cfg.OnMessage
				cfg.OnMessage = func(c *Conn, m *sip.Message) {
					c.SetAuthenticated(kept)
					pass(c, m)
				}
			})
			ends(t, act(w))
			if limits.Handshake != 0 {
				return // it never was a connection
			}
			if got := w.over().Why(); got != want {
				t.Errorf("closed for %v, want %v", got, want)
			}
		})
	}
	slow("no handshake", Limits{Handshake: soon}, errSilent, func(w *world) net.Conn { return w.tcp(tlsOpen) })
	slow("silent", Limits{FirstMessage: soon}, errSilent, func(w *world) net.Conn { return w.tls(tlsOpen) })
	slow("only keepalives", Limits{FirstMessage: soon}, errSilent, func(w *world) net.Conn {
		c := w.tcp(tcpOpen)
		send(t, c, "\r\n\r\n") // a keepalive is no message
		return c
	})
	slow("half a message", Limits{Message: soon}, errSlowly, func(w *world) net.Conn {
		c := w.tcp(tcpOpen)
		send(t, c, message(1, 100)[:300])
		return c
	})
	slow("no second message", Limits{Idle: soon}, errTimeout, func(w *world) net.Conn {
		c := w.tcp(tcpOpen)
		send(t, c, message(1, 0))
		return c
	})
	began := time.Now()
	slow("authenticated", Limits{Idle: soon, IdleKept: 4 * soon}, errTimeout, func(w *world) net.Conn {
		c := w.tcp(tcpOpen)
		began = time.Now()
		send(t, c, message(1, 0))
		return c
	})
	if time.Since(began) < 4*soon {
		t.Error("an authenticated connection was closed early")
	}
}

// stalledFor is the time in which a client must read.
const stalledFor = 2 * time.Second

// TestStalled sends to a client that does not read: the sender never waits,
// the connection ends, and another is served meanwhile.
func TestStalled(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen}, Limits: Limits{Write: stalledFor, Backlog: 64 << 10}}, nil)
	for _, flood := range []bool{true, false} {
		stalled, other := w.tls(tlsOpen), w.tls(tlsOpen)
		send(t, stalled, message(1, 0))
		bad := w.next().conn
		send(t, other, message(2, 0))
		good := w.next().conn
		chunk := make([]byte, 16<<10)
		var slowest time.Duration
		for n := 0; flood || n < 5000; n++ { // the kernel takes some 10 MB
			began := time.Now()
			err := bad.Send(chunk)
			slowest = max(slowest, time.Since(began))
			if err != nil {
				break
			}
			if !flood && bad.stream.waiting() > 32<<10 && stuck(bad.stream) {
				break // something waits, but less than may
			}
		}
		if slowest > stalledFor/2 { // who waits, waits all of it
			t.Errorf("Send took %v", slowest)
		}
		if err := good.Send([]byte("answer")); err != nil {
			t.Error(err)
		}
		same(t, reads(t, other, 6), []byte("answer"))
		if c := w.over(); c != bad {
			t.Error("the wrong connection was closed")
		}
		other.Close()
		w.over()
	}
}

// stuck tells whether what waits is not merely on its way to the kernel.
func stuck(s *stream) bool {
	for end := time.Now().Add(50 * time.Millisecond); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if s.waiting() <= 32<<10 {
			return false
		}
	}
	return true
}

func (s *stream) waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.pending) + s.writing
}

// TestCloseDrains closes a connection whose last bytes wait for the client.
func TestCloseDrains(t *testing.T) {
	w := newWorld(t, Plan{Listeners: []Listener{tlsOpen}, Limits: Limits{Backlog: 64 << 20}}, nil)
	c := w.tls(tlsOpen)
	send(t, c, message(1, 0))
	conn := w.next().conn
	chunk := make([]byte, 8<<20)
	if err := conn.Send(chunk); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if conn.Send(chunk) == nil {
		t.Error("Send on a closed connection did not fail")
	}
	reads(t, c, len(chunk))
	ends(t, c)
}
