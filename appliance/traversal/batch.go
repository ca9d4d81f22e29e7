package traversal

import (
	"fmt"
	"net"
	"runtime"
	"sync"
	"time"
)

const (
	writeTimeout = 5 * time.Second
	maxBatch     = 512 << 10 // bytes waiting for the writer before senders wait too
	maxRounds    = 8         // flushes that one sender does for others
)

// batch gathers what many goroutines send on one connection into few writes,
// without a goroutine of its own: the first sender yields once, so that others
// may add theirs, and then writes for all.
type batch struct {
	conn   net.Conn
	wg     *sync.WaitGroup // owner of a flush that outlives its sender
	broken func(error)     // a write failed: what was cut cannot be mended
	timed  bool            // conn gives up a write by itself

	mu       sync.Mutex
	room     sync.Cond
	waiting  []byte
	spare    []byte
	flushing bool
	err      error
}

func newBatch(c net.Conn, wg *sync.WaitGroup, broken func(error)) *batch {
	b := &batch{conn: c, wg: wg, broken: broken, timed: patient(c, writeTimeout)}
	b.room.L = &b.mu
	return b
}

// send queues p and returns. An error means that the connection is gone; what
// was queued shortly before may then be lost.
func (b *batch) send(p []byte) error {
	b.mu.Lock()
	for len(b.waiting) > maxBatch && b.err == nil {
		b.room.Wait()
	}
	if b.err != nil {
		defer b.mu.Unlock()
		return b.err
	}
	b.waiting = append(b.waiting, p...)
	if b.flushing {
		b.mu.Unlock()
		return nil
	}
	b.flushing = true
	b.mu.Unlock()
	runtime.Gosched()
	return b.flush(maxRounds)
}

// flush writes until nothing waits. After some rounds a goroutine takes over,
// so that no sender works for the others for ever.
func (b *batch) flush(rounds int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := 0; len(b.waiting) > 0 && b.err == nil; n++ {
		if n == rounds {
			b.wg.Go(func() { b.flush(-1) })
			return nil
		}
		out := b.waiting
		b.waiting, b.spare = b.spare[:0], nil
		b.mu.Unlock()
		err := b.write(out)
		b.mu.Lock()
		if b.spare = out[:0]; cap(out) > maxBatch {
			b.spare = nil
		}
		if err != nil && b.err == nil {
			b.err = err
		}
		b.room.Broadcast()
	}
	b.flushing = false
	return b.err
}

func (b *batch) write(p []byte) error {
	if !b.timed {
		b.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	}
	if _, err := b.conn.Write(p); err != nil {
		b.broken(err)
		return fmt.Errorf("link write: %w", err)
	}
	return nil
}

// fail makes every later send return err.
func (b *batch) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err == nil {
		b.err = err
	}
	b.room.Broadcast()
}
