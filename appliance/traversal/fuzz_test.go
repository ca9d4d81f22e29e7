package traversal

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"io"
	"net"
	"reflect"
	"testing"
	"time"

	"sallyport/appliance/sip"
)

func FuzzFrame(f *testing.F) {
	f.Add(appendFrame(nil, frameOpen, 1, openPayload("http", "alice")))
	f.Add(appendFrame(nil, frameData, 3, []byte("hello")))
	f.Add(appendFrame(nil, frameCredit, 2, []byte{0, 0, 1, 0}))
	f.Add(appendFrame(appendFrame(nil, frameFin, 1, nil), frameReset, 1, []byte("why")))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, buf := bufio.NewReader(bytes.NewReader(b)), make([]byte, maxFrame)
		rest := b
		for {
			fr, err := readFrame(r, buf)
			if err != nil {
				return
			}
			again := appendFrame(nil, fr.kind, fr.stream, fr.payload)
			if !bytes.HasPrefix(rest, again) {
				t.Fatalf("%x reads as %x", rest, again)
			}
			rest = rest[len(again):]
			if fr.kind != frameOpen {
				continue
			}
			kind, tag, err := parseOpen(fr.payload)
			if err == nil && !bytes.Equal(openPayload(kind, tag), fr.payload) {
				t.Fatalf("open %x reads as %q, %q", fr.payload, kind, tag)
			}
		}
	})
}

// FuzzMux feeds a whole multiplexer: whatever a peer sends, it ends without a
// panic, without a stream left and with the budget settled.
func FuzzMux(f *testing.F) {
	open := appendFrame(nil, frameOpen, 1, openPayload("http", "alice"))
	f.Add(open)
	f.Add(append(bytes.Clone(open), appendFrame(nil, frameData, 1, []byte("hello"))...))
	f.Add(append(bytes.Clone(open), appendFrame(appendFrame(nil, frameStop, 1, nil), frameFin, 1, nil)...))
	f.Add(append(bytes.Clone(open), appendFrame(appendFrame(nil, frameReset, 1, nil), frameData, 1, []byte{1})...))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, y := net.Pipe()
		go io.Copy(io.Discard, y)
		go func() {
			y.Write(b)
			y.Close()
		}()
		var m *mux
		streams := 0
		m = newMux(x, false, newBudget(), nil, nil, func(s *Stream) {
			if streams++; streams%2 == 0 {
				s.Close()
				return
			}
			go func() {
				defer s.Close()
				io.Copy(io.Discard, s)
			}()
		})
		m.run()
		deadline := time.Now().Add(20 * time.Second)
		for {
			n, extra := m.budget.load()
			if n == 0 && extra == 0 && m.load() == 0 {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d streams and %d bytes are left", n, extra)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func FuzzRPC(f *testing.F) {
	f.Add(appendRPC(nil, rpcMessage{kind: rpcRequest, id: 1, method: "link.ping", body: []byte("{}")}))
	f.Add(appendRPC(nil, rpcMessage{kind: rpcAnswer, id: 7, body: []byte("x")}))
	f.Add(appendRPC(nil, rpcMessage{kind: rpcCancel, id: 9}))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := readRPC(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := appendRPC(nil, m); !bytes.HasPrefix(b, again) {
			t.Fatalf("%x reads as %x", b, again)
		}
	})
}

func FuzzGreeting(f *testing.F) {
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	body, err := json.Marshal(greeting{Version: linkVersion, Node: "core", Instance: "00ff", Time: time.Unix(1, 0).UTC(), Key: public, Ping: 4, Path: "edge:7001"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Add([]byte(`{"version":2}`))
	f.Add([]byte(`{"version":1,"slot":-1}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m := sip.NewRequest("OPTIONS", "sip:link@edge")
		m.SetBody(greetingType, body)
		g, err := parseGreeting(m)
		if err != nil {
			return
		}
		if g.id() == 0 || g.Slot >= sipConns {
			t.Fatalf("accepted %+v", g)
		}
		again, err := json.Marshal(g)
		if err != nil {
			return // a year that JSON cannot write
		}
		m.SetBody(greetingType, again)
		h, err := parseGreeting(m)
		if err != nil || !reflect.DeepEqual(g, h) && g.Time.Equal(h.Time) && g.Node != h.Node {
			t.Fatalf("%s became %s: %v", body, again, err)
		}
	})
}

func FuzzFramer(f *testing.F) {
	f.Add([]byte("\r\n\r\n"), 3)
	f.Add(append([]byte("\r\n"), message("a", 1)...), 7)
	f.Add(append(message("a", 1), message("b", 2)...), 100)
	f.Fuzz(func(t *testing.T, b []byte, chunk int) {
		chunk = 1 + chunk&0x3ff
		fr := newFramer(&chunks{b, chunk}, 4096)
		total := 0
		for {
			m, err := fr.next()
			if err != nil {
				break
			}
			if total += len(m); len(m) == 0 || total > len(b) {
				t.Fatalf("made %d bytes of %d", total, len(b))
			}
		}
		if len(fr.buf) > 64<<10 {
			t.Fatalf("buffer grew to %d", len(fr.buf))
		}
	})
}

// chunks is a reader that gives n bytes at a time.
type chunks struct {
	b []byte
	n int
}

func (c *chunks) Read(p []byte) (int, error) {
	if len(c.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.b[:min(c.n, len(c.b))])
	c.b = c.b[n:]
	return n, nil
}
