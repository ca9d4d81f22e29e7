package config

import "sync"

// Watch tells that there is a newer snapshot than the last one seen. It is
// level-triggered: any number of commits in between make one signal, and a slow
// reader delays nobody.
type Watch struct {
	set *watchSet
	c   chan struct{}
}

type watchSet struct {
	mu  sync.Mutex
	all map[*Watch]bool
}

// Watch starts watching. The first signal is there at once, so that a loop need
// not read the first snapshot apart.
func (s *Store) Watch() *Watch {
	w := &Watch{set: &s.watches, c: make(chan struct{}, 1)}
	w.c <- struct{}{}
	s.watches.mu.Lock()
	defer s.watches.mu.Unlock()
	if s.watches.all == nil {
		s.watches.all = map[*Watch]bool{}
	}
	s.watches.all[w] = true
	return w
}

// C is ready when Store.Snapshot is worth reading again.
func (w *Watch) C() <-chan struct{} { return w.c }

// Close ends the watch. C is not closed.
func (w *Watch) Close() {
	w.set.mu.Lock()
	defer w.set.mu.Unlock()
	delete(w.set.all, w)
}

func (ws *watchSet) signal() {
	ws.mu.Lock()
	defer ws.mu.Unlock()
	for w := range ws.all {
		select {
		case w.c <- struct{}{}:
		default:
		}
	}
}
