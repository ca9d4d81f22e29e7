package eventlog

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	spoolSize = 512 << 10 // bytes of lines that wait for a slow disk
	gather    = 50 * time.Millisecond
)

// spool gathers lines and writes many at a time: a system call for each would
// cost a busy node more than making the line, and wake a quiet one twice. A
// line waits for company for a moment, a warning does not.
type spool struct {
	to      func(lines []byte) (dropped int)
	dropped atomic.Uint64
	some    chan struct{} // there is a line
	urgent  chan struct{} // there is one that does not wait

	mu    sync.Mutex // guards what follows; never held over a write
	lines []byte
	spare []byte
}

func newSpool(to func(lines []byte) int) *spool {
	return &spool{to: to, some: make(chan struct{}, 1), urgent: make(chan struct{}, 1)}
}

// offer never waits: what there is no room for is dropped and counted.
func (s *spool) offer(level slog.Level, line []byte) {
	s.mu.Lock()
	full := len(s.lines)+len(line) > spoolSize
	first := len(s.lines) == 0
	if !full {
		s.lines = append(s.lines, line...)
	}
	s.mu.Unlock()
	if full {
		s.dropped.Add(1)
		return
	}
	if first {
		poke(s.some)
	}
	if level >= slog.LevelWarn {
		poke(s.urgent)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// run writes until ctx ends, then what is left.
func (s *spool) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		select {
		case <-s.some:
			timer.Reset(gather)
			select {
			case <-timer.C:
			case <-s.urgent:
			case <-ctx.Done():
			}
		case <-s.urgent: // written already, or comes with some
		case <-ctx.Done():
		}
		s.flush()
	}
	s.flush()
}

func (s *spool) flush() {
	s.mu.Lock()
	out := s.lines
	s.lines, s.spare = s.spare[:0], nil
	s.mu.Unlock()
	if len(out) > 0 {
		s.dropped.Add(uint64(s.to(out)))
	}
	s.mu.Lock()
	s.spare = out[:0]
	s.mu.Unlock()
}

// plainly writes lines to w.
func plainly(w io.Writer) func(lines []byte) int {
	return func(lines []byte) int {
		if _, err := w.Write(lines); err != nil {
			return bytes.Count(lines, []byte("\n"))
		}
		return 0
	}
}
