package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"
)

// job is what a client does once.
type job uint8

const (
	nothing job = iota
	register
	call      // INVITE, ACK, BYE with a body that no proxy looks into
	mediaCall // the same with a session description
)

// client is one phone on its own TLS connection. It does one job at a time.
type client struct {
	fleet *fleet
	texts texts
	credentials
	conn net.Conn

	mu     sync.Mutex // guards the rest
	job    job
	number uint64
	cseq   uint32
	begun  time.Time
	rang   bool
	asked  bool // challenged, in this job
	out    []byte
	target []byte // of the call: the callee's Contact
	routes []byte // of the call: Route rows
}

// dial connects the n-th phone. Phones come from many addresses, as on the
// Internet.
func dial(ctx context.Context, f *fleet, n int, addr string, conf *tls.Config) (*client, error) {
	from := &net.TCPAddr{IP: net.IPv4(127, 21, byte(n/200), byte(1+n%200))}
	d := net.Dialer{LocalAddr: from, Timeout: 10 * time.Second}
	tc, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &client{fleet: f, conn: tls.Client(tc, conf), texts: textsFor(n, fmt.Sprintf("192.168.1.10:%d", 10000+n))}
	c.number = uint64(n) << 32
	c.user = userOf(n)
	_ = tc.SetDeadline(time.Now().Add(10 * time.Second))
	if err := c.conn.(*tls.Conn).Handshake(); err != nil {
		tc.Close()
		return nil, err
	}
	_ = tc.SetDeadline(time.Time{})
	return c, nil
}

// start begins a job.
func (c *client) start(j job) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.job, c.begun, c.rang, c.asked = j, time.Now(), false, false
	c.number++
	c.cseq++
	switch j {
	case register:
		c.sendLocked(c.texts.register)
	case call:
		c.sendLocked(c.texts.call)
	case mediaCall:
		c.sendLocked(c.texts.mediaCall)
	}
}

func (c *client) sendLocked(t template) {
	c.out = t.fill(c.out[:0], func(dst []byte, mark byte) []byte {
		switch mark {
		case 'N':
			return strconv.AppendUint(dst, c.number, 16)
		case 'C':
			return strconv.AppendUint(dst, uint64(c.cseq), 10)
		case 'T':
			return append(dst, c.target...)
		case 'A':
			return c.credentials.write(dst)
		default:
			return append(dst, c.routes...)
		}
	})
	_, _ = c.conn.Write(c.out) // a broken connection shows in the reader
}

// read handles responses until the connection ends.
func (c *client) read() {
	buf, held := make([]byte, 8<<10), 0
	for {
		n, err := c.conn.Read(buf[held:])
		if err != nil {
			c.fleet.lost(c, err)
			return
		}
		held += n
		b := buf[:held]
		for {
			n := whole(b)
			if n == 0 {
				break
			}
			c.response(b[:n])
			b = b[n:]
		}
		held = copy(buf, b)
		if held == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

// whole is the length of the first message in b, 0 if it is not all there.
func whole(b []byte) int {
	end := bytes.Index(b, []byte("\r\n\r\n"))
	if end < 0 {
		return 0
	}
	body, _ := strconv.Atoi(string(field(b[:end+2], "Content-Length")))
	if n := end + 4 + body; n <= len(b) {
		return n
	}
	return 0
}

// response takes the job one step on.
func (c *client) response(b []byte) {
	status, _ := strconv.Atoi(string(b[8:11]))
	cseq := field(b, "CSeq")
	method := cseq[bytes.IndexByte(cseq, ' ')+1:]
	c.mu.Lock()
	done, err := c.stepLocked(status, string(method), b)
	if done {
		c.job = nothing
	}
	begun := c.begun
	c.mu.Unlock()
	if done {
		c.fleet.finished(c, begun, err)
	}
}

func (c *client) stepLocked(status int, method string, b []byte) (done bool, err error) {
	switch {
	case c.job == nothing:
		return false, nil
	case status == 401 && c.job == register && !c.asked:
		c.learn(field(b, "WWW-Authenticate"))
		c.asked = true // edge counts only credentials that answer a challenge
		c.number++
		c.cseq++
		c.sendLocked(c.texts.register)
	case status >= 300:
		return true, fmt.Errorf("%d to %s", status, method)
	case method == "REGISTER" && c.job == register:
		if status == 200 {
			c.fleet.delay(time.Since(c.begun))
			return true, nil
		}
	case method == "INVITE" && status > 100 && status < 200:
		if !c.rang {
			c.rang = true
			c.fleet.delay(time.Since(c.begun))
		}
	case method == "INVITE" && status == 200:
		c.answered(b)
	case method == "BYE":
		return true, nil
	}
	return false, nil
}

// answered acknowledges and, after the call's time, hangs up.
func (c *client) answered(b []byte) {
	contact := field(b, "Contact")
	contact = contact[bytes.IndexByte(contact, ':')+1:]
	if i := bytes.IndexByte(contact, '>'); i >= 0 {
		contact = contact[:i]
	}
	c.target = append(c.target[:0], contact...)
	c.routes = c.routes[:0]
	rows := fields(b, "Record-Route")
	for _, v := range slices.Backward(rows) {
		c.routes = append(append(append(c.routes, "Route: "...), v...), "\r\n"...)
	}
	c.sendLocked(c.texts.ack)
	hold := c.fleet.hold.Load()
	if hold == 0 {
		c.sendLocked(c.texts.bye)
		return
	}
	time.AfterFunc(time.Duration(hold), func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.job == call || c.job == mediaCall {
			c.sendLocked(c.texts.bye)
		}
	})
}
