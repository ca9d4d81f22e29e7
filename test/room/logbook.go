package room

import (
	"strings"
	"sync"
)

// LogBook keeps what several goroutines write, such as the log of both nodes.
// The zero value is empty.
type LogBook struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write appends b.
func (l *LogBook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

// String is all that was written.
func (l *LogBook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
