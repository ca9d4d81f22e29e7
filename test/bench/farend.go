package main

import (
	"cmp"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
)

// farEnd answers like a core with a registrar behind it: a REGISTER with
// credentials gets 200, a call rings and is taken. It is the same for every
// subject.
type farEnd struct {
	mu      sync.Mutex
	ringing time.Duration // how long a call rings
	contact string        // its own in calls; "" = farContact
}

func (f *farEnd) ring(d time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ringing = d
}

// answer answers one request; send is for a whole message and may be called
// later too.
func (f *farEnd) answer(m *sip.Message, send func([]byte)) {
	switch {
	case !m.Request() || m.Method() == "ACK":
	case m.Method() == "REGISTER":
		send(registered(m))
	case m.Method() == "INVITE":
		f.take(m, send)
	default:
		send(m.Reply(200, "OK").Bytes())
	}
}

func registered(m *sip.Message) []byte {
	if !m.Has("Authorization") {
		r := m.Reply(401, "Unauthorized")
		r.Set("WWW-Authenticate", `Digest realm="example.com", nonce="`+nonce+`", algorithm=MD5, qop="auth"`)
		return r.Bytes()
	}
	r := m.Reply(200, "OK")
	r.Set("Contact", m.Get("Contact")+";expires=3600")
	if path := m.Get("Path"); path != "" {
		r.Set("Path", path)
	}
	r.Set("Supported", "X-cisco-srtp-fallback,X-cisco-sis-9.0.0")
	return r.Bytes()
}

// farContact is the callee's, with a token of core's kind in it.
const farContact = "<sip:c1.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA@core.invalid>"

func (f *farEnd) take(m *sip.Message, send func([]byte)) {
	f.mu.Lock()
	ringing := f.ringing
	f.mu.Unlock()
	reply := func(status int, reason string) *sip.Message {
		r := m.ReplyTag(status, reason, "far")
		r.Set("Contact", cmp.Or(f.contact, farContact))
		for _, v := range m.Values("Record-Route") {
			r.Add("Record-Route", v)
		}
		return r
	}
	send(reply(180, "Ringing").Bytes())
	ok := reply(200, "OK")
	body := m.Body()
	if strings.HasPrefix(m.ContentType(), "application/sdp") {
		body = []byte(answerSDP)
	}
	ok.SetBody(m.ContentType(), body)
	if ringing == 0 {
		send(ok.Bytes())
		return
	}
	time.AfterFunc(ringing, func() { send(ok.Bytes()) })
}

// serve takes the one TLS link of a subject and answers what comes over it.
// framed links carry chunks of many connections, as the bare relay makes them.
func (f *farEnd) serve(conf *tls.Config, addr string, framed bool) (stop func(), err error) {
	l, err := tls.Listen("tcp", addr, conf)
	if err != nil {
		return nil, err
	}
	var wait sync.WaitGroup
	var mu sync.Mutex
	var open []net.Conn
	wait.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			wait.Go(func() {
				defer c.Close()
				if framed {
					_ = f.readChunks(c)
				} else {
					_ = f.readMessages(c)
				}
			})
		}
	})
	return func() {
		l.Close()
		mu.Lock()
		for _, c := range open {
			c.Close()
		}
		mu.Unlock()
		wait.Wait()
	}, nil
}

// readMessages answers everything of one read in one write, as the product's
// own link would.
func (f *farEnd) readMessages(c net.Conn) error {
	out := &writer{c: c}
	buf, held := make([]byte, 256<<10), 0
	for {
		n, err := c.Read(buf[held:])
		if err != nil {
			return err
		}
		held += n
		out.gather()
		b := buf[:held]
		for {
			n, err := f.one(b, out.send)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			b = b[n:]
		}
		held = copy(buf, b)
		out.flush()
	}
}

// one answers the first whole message of b and returns its length.
func (f *farEnd) one(b []byte, send func([]byte)) (int, error) {
	if n, _ := sip.SkipKeepalive(b); n > 0 {
		return n, nil
	}
	n, err := sip.Frame(b, 64<<10)
	if err != nil || n == 0 {
		return 0, err
	}
	m, fault := sip.Parse(append([]byte(nil), b[:n]...))
	if fault != nil {
		return 0, errors.New(fault.Reason)
	}
	f.answer(m, send)
	return n, nil
}

// chunkHeader is the connection's number and the length of what follows.
const chunkHeader = 8

func (f *farEnd) readChunks(c net.Conn) error {
	out := &writer{c: c}
	streams := map[uint32][]byte{}
	in := newChunks(c)
	for {
		id, b, err := in.next()
		if err != nil {
			return err
		}
		out.gather()
		held := append(streams[id], b...)
		send := func(msg []byte) { out.send(chunk(id, msg)) }
		for {
			n, err := f.one(held, send)
			if err != nil {
				return err
			}
			if n == 0 {
				break
			}
			held = held[n:]
		}
		streams[id] = append(streams[id][:0], held...)
		if in.drained() {
			out.flush()
		}
	}
}

func chunk(id uint32, b []byte) []byte { return appendChunk(nil, id, b) }

func appendChunk(dst []byte, id uint32, b []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, id)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// chunks reads what chunk made; the bytes hold until the next call.
type chunks struct {
	r        io.Reader
	buf      []byte
	from, to int
}

func newChunks(r io.Reader) *chunks { return &chunks{r: r, buf: make([]byte, 256<<10)} }

func (c *chunks) drained() bool { return c.from == c.to }

func (c *chunks) next() (uint32, []byte, error) {
	for {
		b := c.buf[c.from:c.to]
		if len(b) >= chunkHeader {
			if n := int(binary.BigEndian.Uint32(b[4:])); len(b) >= chunkHeader+n {
				c.from += chunkHeader + n
				return binary.BigEndian.Uint32(b), b[chunkHeader : chunkHeader+n], nil
			}
		}
		c.to = copy(c.buf, b)
		c.from = 0
		n, err := c.r.Read(c.buf[c.to:])
		if err != nil {
			return 0, nil, err
		}
		c.to += n
	}
}

// writer gathers the answers of one read; those that come later are written
// at once.
type writer struct {
	mu      sync.Mutex
	c       net.Conn
	reading bool
	pending []byte
}

func (w *writer) send(b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pending = append(w.pending, b...)
	if !w.reading {
		w.writeLocked()
	}
}

// gather begins a read's answers, flush ends them.
func (w *writer) gather() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = true
}

func (w *writer) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reading = false
	w.writeLocked()
}

func (w *writer) writeLocked() {
	if len(w.pending) > 0 {
		_, _ = w.c.Write(w.pending)
		w.pending = w.pending[:0]
	}
}
