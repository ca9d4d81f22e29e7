package flow

import (
	"io"
	"runtime"
	"sync"
)

// batch gathers what several senders write to a busy connection into one
// write. The first of them yields once and writes for all; there is no writer
// goroutine.
type batch struct {
	on    bool
	mu    sync.Mutex
	led   bool
	out   []byte
	spare []byte
}

func (b *batch) send(w io.Writer, msg []byte) error {
	b.mu.Lock()
	b.out = append(b.out, msg...)
	if b.led {
		b.mu.Unlock()
		return nil
	}
	b.led = true
	b.mu.Unlock()
	runtime.Gosched()
	for {
		out := b.take()
		if out == nil {
			return nil
		}
		if _, err := w.Write(out); err != nil {
			return err // led stays: nothing is written to a broken connection
		}
	}
}

// take returns what is to be written, or nil and gives the lead up.
func (b *batch) take() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.out) == 0 {
		b.led = false
		return nil
	}
	out := b.out
	b.out, b.spare = b.spare[:0], out
	return out
}
