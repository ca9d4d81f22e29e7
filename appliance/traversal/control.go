package traversal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"
)

// errNotSent is a call's error when the peer cannot have got the call whole.
var errNotSent = errors.New("the control channel ended before the call was sent")

// RemoteError is what the peer's handler returned.
type RemoteError struct{ Method, Text string }

func (e *RemoteError) Error() string { return e.Method + ": " + e.Text }

// control is the SSH connection for requests, either end of it.
type control struct {
	conn net.Conn
	ch   io.ReadWriteCloser
	link *link

	turned chan struct{} // our maintenance mode was switched

	wmu sync.Mutex // one message at a time

	mu      sync.Mutex
	asked   map[uint32]chan rpcMessage // one slot each
	nextID  uint32
	answers map[uint32]context.CancelFunc
	held    int // bytes of arguments
	refused int // refusals that are not written yet
	err     error
}

func (k *link) serveControl(ctx context.Context, s *session, ch ssh.Channel, dialled bool) error {
	c := &control{conn: s.raw, ch: ch, link: k, asked: map[uint32]chan rpcMessage{}, answers: map[uint32]context.CancelFunc{}, turned: make(chan struct{}, 1)}
	if !k.setControl(c) {
		return ErrDown
	}
	ctx, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { c.tellMaintenance(ctx) })
	if dialled {
		wg.Go(func() { c.compareClocks(ctx) })
	}
	err := c.read(ctx, &wg)
	k.dropControl(c) // now: handlers may take their time to end
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

// dropControl takes a channel that is ending out, so that calls wait for the
// next one.
func (k *link) dropControl(c *control) {
	c.conn.Close()
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
		return nil, fmt.Errorf("%w: %w", errNotSent, err)
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
		return 0, nil, fmt.Errorf("%w: %w", errNotSent, c.err)
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
			if err := c.take(ctx, wg, m); err != nil {
				return err
			}
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

// take starts a handler for a request, or says why not. It never writes on the
// reader's goroutine: two readers that wait for each other would stay so.
func (c *control) take(ctx context.Context, wg *sync.WaitGroup, m rpcMessage) error {
	f := c.link.l.handler(m.method)
	ctx, stop := context.WithCancel(ctx)
	c.mu.Lock()
	refusal := c.refusalLocked(f, m)
	if refusal == "" {
		c.answers[m.id] = stop
		c.held += len(m.body)
	} else {
		c.refused++
	}
	flood := c.refused > 2*maxAsked
	c.mu.Unlock()
	if flood {
		stop()
		return errFlood
	}
	wg.Go(func() {
		defer stop()
		if refusal == "" {
			c.answer(ctx, f, m)
		} else {
			c.refuse(m.id, refusal)
		}
	})
	return nil
}

func (c *control) refuse(id uint32, why string) {
	c.write(rpcMessage{kind: rpcError, id: id, body: []byte(why)})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.refused--
}

func (c *control) refusalLocked(f Handler, m rpcMessage) string {
	_, taken := c.answers[m.id]
	switch {
	case f == nil:
		return unknownMethod
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
