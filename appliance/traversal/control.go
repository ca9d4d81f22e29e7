package traversal

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
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

	methodPing = "link.ping"
	pingEvery  = 30 * time.Second
)

var (
	errRPC      = errors.New("broken control message")
	errTooLarge = fmt.Errorf("control message is larger than %d bytes", MaxRPC)
)

// RemoteError is what the peer's handler returned.
type RemoteError struct{ Method, Text string }

func (e *RemoteError) Error() string { return e.Method + ": " + e.Text }

type rpcMessage struct {
	kind   byte
	id     uint32
	method string // of a request
	body   []byte
}

// control is the SSH connection for requests, either end of it.
type control struct {
	conn net.Conn
	ch   io.ReadWriteCloser
	link *link

	wmu sync.Mutex // one message at a time

	mu      sync.Mutex
	asked   map[uint32]chan rpcMessage // one slot each
	nextID  uint32
	answers map[uint32]context.CancelFunc
	held    int // bytes of arguments
	err     error
}

func (k *link) serveControl(ctx context.Context, s *session, ch ssh.Channel, dialled bool) error {
	c := &control{conn: s.raw, ch: ch, link: k, asked: map[uint32]chan rpcMessage{}, answers: map[uint32]context.CancelFunc{}}
	if !k.setControl(c) {
		return ErrDown
	}
	defer k.dropControl(c)
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	if dialled {
		wg.Go(func() { c.compareClocks(ctx) })
	}
	err := c.read(ctx, &wg)
	stop()
	c.fail(errTunnelCut)
	s.raw.Close()
	wg.Wait()
	return err
}

func (k *link) setControl(c *control) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.connsLocked() == 0 {
		return false
	}
	if k.control != nil {
		k.control.conn.Close()
	}
	k.control = c
	k.tunnelUpLocked()
	return true
}

func (k *link) dropControl(c *control) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.control == c {
		k.control = nil
		k.signalLocked()
	}
}

// call asks the peer and waits for the answer.
func (c *control) call(ctx context.Context, method string, in []byte) ([]byte, error) {
	if len(method) > maxMethod || len(in) > MaxRPC {
		return nil, errTooLarge
	}
	id, answer, err := c.ask()
	if err != nil {
		return nil, err
	}
	defer c.forget(id)
	if err := c.write(rpcMessage{kind: rpcRequest, id: id, method: method, body: in}); err != nil {
		return nil, err
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return nil, errTunnelCut
		case m.kind == rpcError:
			return nil, &RemoteError{method, printable(string(m.body))}
		}
		return m.body, nil
	case <-ctx.Done():
		c.write(rpcMessage{kind: rpcCancel, id: id})
		return nil, fmt.Errorf("%s: %w", method, ctx.Err())
	}
}

func (c *control) ask() (uint32, chan rpcMessage, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, nil, c.err
	}
	if len(c.asked) >= maxAsked {
		return 0, nil, fmt.Errorf("%d control requests wait for the peer already", len(c.asked))
	}
	c.nextID++
	answer := make(chan rpcMessage, 1)
	c.asked[c.nextID] = answer
	return c.nextID, answer, nil
}

func (c *control) forget(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.asked, id)
}

// fail ends all calls of ours.
func (c *control) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
	for id, answer := range c.asked {
		delete(c.asked, id)
		close(answer)
	}
}

func (c *control) write(m rpcMessage) error {
	b := appendRPC(nil, m)
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_, err := c.ch.Write(b)
	return err
}

func (c *control) read(ctx context.Context, wg *sync.WaitGroup) error {
	r := bufio.NewReader(c.ch)
	for {
		m, err := readRPC(r)
		if err != nil {
			return err
		}
		switch m.kind {
		case rpcRequest:
			c.take(ctx, wg, m)
		case rpcCancel:
			c.cancel(m.id)
		default:
			c.deliver(m)
		}
	}
}

// deliver hands an answer to who waits for it. Nobody may: it came too late.
func (c *control) deliver(m rpcMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if answer := c.asked[m.id]; answer != nil {
		delete(c.asked, m.id)
		answer <- m
	}
}

func (c *control) cancel(id uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if stop := c.answers[id]; stop != nil {
		stop()
	}
}

// take starts a handler for a request, or says why not.
func (c *control) take(ctx context.Context, wg *sync.WaitGroup, m rpcMessage) {
	f := c.link.l.handler(m.method)
	ctx, stop := context.WithCancel(ctx)
	c.mu.Lock()
	refusal := c.refusalLocked(f, m)
	if refusal == "" {
		c.answers[m.id] = stop
		c.held += len(m.body)
	}
	c.mu.Unlock()
	if refusal != "" {
		stop()
		c.write(rpcMessage{kind: rpcError, id: m.id, body: []byte(refusal)})
		return
	}
	wg.Go(func() {
		defer stop()
		c.answer(ctx, f, m)
	})
}

func (c *control) refusalLocked(f Handler, m rpcMessage) string {
	_, taken := c.answers[m.id]
	switch {
	case f == nil:
		return "this node does not know the method"
	case taken || len(c.answers) >= maxAnswers || c.held+len(m.body) > maxArgBytes:
		return "busy: too many requests at a time"
	}
	return ""
}

func (c *control) answer(ctx context.Context, f Handler, m rpcMessage) {
	out, err := c.handle(ctx, f, m)
	c.mu.Lock()
	delete(c.answers, m.id)
	c.held -= len(m.body)
	c.mu.Unlock()
	if err == nil && len(out) > MaxRPC {
		err = errTooLarge
	}
	if err != nil {
		c.write(rpcMessage{kind: rpcError, id: m.id, body: clip(err.Error())})
		return
	}
	c.write(rpcMessage{kind: rpcAnswer, id: m.id, body: out})
}

func (c *control) handle(ctx context.Context, f Handler, m rpcMessage) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			c.link.l.cfg.Log.Error("panic in a control request", "method", m.method, "panic", r, "stack", string(debug.Stack()))
			err = errors.New("internal error")
		}
	}()
	return f(ctx, c.link.present(), m.body)
}

// clip bounds an error's text.
func clip(s string) []byte {
	const most = 1 << 10
	if len(s) > most {
		s = s[:most]
		for !utf8.ValidString(s) && s != "" {
			s = s[:len(s)-1]
		}
	}
	return []byte(s)
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

// ping is argument and answer of the link's own method: it tells how far the
// clocks are apart.
type ping struct {
	Time time.Time `json:"time"`
}

func (l *Links) answerPing(_ context.Context, p Peer, in []byte) ([]byte, error) {
	var q ping
	if err := json.Unmarshal(in, &q); err != nil {
		return nil, errRPC
	}
	now := l.cfg.Clock()
	if k := l.pick(p.Zone, p.ID, ""); k != nil {
		k.noteSkew(now.Sub(q.Time), 0)
	}
	return json.Marshal(ping{now})
}

// compareClocks asks the edge for its time now and then.
func (c *control) compareClocks(ctx context.Context) {
	for {
		if !wait(ctx, pingEvery) {
			return
		}
		before, began := c.link.l.cfg.Clock(), time.Now()
		in, err := json.Marshal(ping{before})
		if err != nil {
			return
		}
		asking, stop := context.WithTimeout(ctx, callTimeout)
		out, err := c.call(asking, methodPing, in)
		stop()
		var a ping
		if err != nil || json.Unmarshal(out, &a) != nil {
			continue
		}
		took := time.Since(began)
		c.link.noteSkew(before.Add(took/2).Sub(a.Time), took)
	}
}

// noteSkew keeps how far our clock is ahead of the peer's.
func (k *link) noteSkew(skew, rtt time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.skew = skew
	if rtt > 0 {
		k.rtt = rtt
	}
}
