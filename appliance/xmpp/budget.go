package xmpp

import "sync"

// budget bounds what all streams of a node together hold of stanzas that are
// not whole yet. A nil budget has no bound.
type budget struct {
	mu   sync.Mutex
	left int
}

// take takes n bytes, if there are as many.
func (b *budget) take(n int) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if n > b.left {
		return false
	}
	b.left -= n
	return true
}

func (b *budget) put(n int) {
	if b == nil || n == 0 {
		return
	}
	b.mu.Lock()
	b.left += n
	b.mu.Unlock()
}
