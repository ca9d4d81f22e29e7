package door

import (
	"sync"
	"time"
)

// Seldom thins out a log line that strangers can cause as often as they like.
type Seldom struct {
	Clock func() time.Time

	mu      sync.Mutex
	next    time.Time
	skipped int
}

// seldomEvery is how long it is quiet after a line.
const seldomEvery = 10 * time.Second

// Now tells whether to write the line, and how many were left out before it.
func (s *Seldom) Now() (skipped int, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.Clock()
	if at.Before(s.next) {
		s.skipped++
		return 0, false
	}
	skipped, s.skipped, s.next = s.skipped, 0, at.Add(seldomEvery)
	return skipped, true
}
