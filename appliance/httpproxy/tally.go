package httpproxy

import "sync"

// tally counts what a server has begun, so that Run returns only when all of
// it has ended: http.Server.Close does not wait.
type tally struct {
	mu   sync.Mutex
	n    int
	none sync.Cond
}

func newTally() *tally {
	t := &tally{}
	t.none.L = &t.mu
	return t
}

func (t *tally) add(n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n += n; t.n == 0 {
		t.none.Broadcast()
	}
}

func (t *tally) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.n > 0 {
		t.none.Wait()
	}
}
