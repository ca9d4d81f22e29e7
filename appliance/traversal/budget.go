package traversal

import (
	"errors"
	"fmt"
	"sync"
)

// Bounds of what streams may cost a node.
const (
	startCredit = 16 << 10  // unread bytes a new stream may hold
	maxCredit   = 128 << 10 // … and one that is read briskly
	growLimit   = 64 << 20  // sum of what streams hold above startCredit

	maxStreams    = 8192 // on the node
	maxMuxStreams = 1024 // on one channel, of which a link has streamChannels
	maxTagStreams = 64   // of one user or other tag
)

// ErrBusy says that a limit on streams is reached.
var ErrBusy = errors.New("too many streams")

// budget counts streams and the memory that they were granted, for a node.
type budget struct {
	mu      sync.Mutex
	streams int
	extra   int
	tags    map[string]int
}

func newBudget() *budget { return &budget{tags: map[string]int{}} }

// lease is what one stream has taken. The budget's mutex guards it.
type lease struct {
	tag   string
	extra int
	over  bool
}

// open takes one stream; an empty tag counts only in the total.
func (b *budget) open(tag string) (*lease, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.streams >= maxStreams {
		return nil, fmt.Errorf("%w: %d on this node", ErrBusy, b.streams)
	}
	if tag != "" && b.tags[tag] >= maxTagStreams {
		return nil, fmt.Errorf("%w: %d of one user", ErrBusy, b.tags[tag])
	}
	b.streams++
	if tag != "" {
		b.tags[tag]++
	}
	return &lease{tag: tag}, nil
}

// close gives back what a stream has taken; a second call does nothing.
func (b *budget) close(l *lease) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.over {
		return
	}
	l.over = true
	b.streams--
	b.extra -= l.extra
	if l.tag == "" {
		return
	}
	if b.tags[l.tag]--; b.tags[l.tag] == 0 {
		delete(b.tags, l.tag)
	}
}

// grow takes n more bytes of buffer, if there are as many left.
func (b *budget) grow(l *lease, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.over || b.extra+n > growLimit {
		return false
	}
	b.extra += n
	l.extra += n
	return true
}

func (b *budget) load() (streams, extra int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.streams, b.extra
}
