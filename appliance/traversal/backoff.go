package traversal

import (
	"encoding/binary"
	"time"
)

const (
	firstRetry = 250 * time.Millisecond
	// settled is how long a connection must have lasted for the next loss to
	// be met with fast tries again.
	settled = 10 * time.Second
)

// backoff spaces redials: fast at first, twice as long each time, never longer
// than max, each drawn from the upper half of its span so that many cores that
// lost one edge at the same moment do not come back at the same moment.
type backoff struct {
	tries int
	max   time.Duration
	rand  func(n int) []byte
}

func (b *backoff) next() time.Duration {
	span := b.max
	if b.tries < 20 {
		span = min(b.max, firstRetry<<b.tries)
		b.tries++
	}
	half := uint64(span / 2)
	return time.Duration(half + binary.BigEndian.Uint64(b.rand(8))%(half+1))
}

func (b *backoff) reset() { b.tries = 0 }
