package httpproxy

import (
	"sync"
	"time"
)

// seldom thins out a log line that strangers can cause as often as they like.
type seldom struct {
	clock func() time.Time

	mu      sync.Mutex
	next    time.Time
	skipped int
}

const seldomEvery = 10 * time.Second

// now tells whether to write the line, and how many were left out before it.
func (s *seldom) now() (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.clock()
	if at.Before(s.next) {
		s.skipped++
		return 0, false
	}
	skipped, s.skipped, s.next = s.skipped, 0, at.Add(seldomEvery)
	return skipped, true
}
