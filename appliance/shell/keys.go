package shell

import (
	"bytes"
	"context"
	"io"
	"sync"
)

// maxTyped bounds what was typed or pasted ahead of the line that runs. Beyond it
// the client is made to wait.
const maxTyped = 64 << 10

const ctrlC = 3

// clearLine are the keys that Ctrl-C is turned into while a line is edited: to
// the end, erase to the start, enter. The editor's own answer to Ctrl-C is to
// end the input, which would end the session.
const clearLine = "\x05\x15\r"

// keys reads a terminal ahead of the editor, so that Ctrl-C is seen while a
// command runs.
type keys struct {
	ctx       context.Context
	interrupt func() (running bool)

	mu    sync.Mutex
	typed []byte
	err   error
	more  chan struct{} // something was typed, or the input ended
	room  chan struct{} // something was taken
}

func newKeys(ctx context.Context, interrupt func() bool) *keys {
	return &keys{ctx: ctx, interrupt: interrupt, more: make(chan struct{}, 1), room: make(chan struct{}, 1)}
}

// pump reads r until it ends.
func (k *keys) pump(r io.Reader) {
	b := make([]byte, 1024)
	for {
		n, err := r.Read(b)
		k.put(b[:n])
		if err != nil {
			k.mu.Lock()
			k.err = err
			k.mu.Unlock()
			signal(k.more)
			return
		}
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (k *keys) put(b []byte) {
	for {
		at := bytes.IndexByte(b, ctrlC)
		if at < 0 {
			k.append(b)
			return
		}
		k.append(b[:at])
		b = b[at+1:]
		if k.interrupt() {
			k.forget()
		} else {
			k.append([]byte(clearLine))
		}
	}
}

// forget drops what was typed ahead of an interrupted command.
func (k *keys) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.typed = nil
}

func (k *keys) append(b []byte) {
	if len(b) == 0 {
		return
	}
	for k.full() {
		select {
		case <-k.room:
		case <-k.ctx.Done():
			return
		}
	}
	k.mu.Lock()
	k.typed = append(k.typed, b...)
	k.mu.Unlock()
	signal(k.more)
}

func (k *keys) full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.typed) >= maxTyped
}

// Read gives the editor what was typed.
func (k *keys) Read(p []byte) (int, error) {
	for {
		k.mu.Lock()
		n := copy(p, k.typed)
		k.typed = k.typed[n:]
		err := k.err
		k.mu.Unlock()
		if n > 0 {
			signal(k.room)
			return n, nil
		}
		if err != nil {
			return 0, err
		}
		select {
		case <-k.more:
		case <-k.ctx.Done():
			return 0, io.EOF
		}
	}
}
