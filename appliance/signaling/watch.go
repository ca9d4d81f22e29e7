package signaling

import "sync"

// watchTable knows who wants to hear that a connection closed: branches that
// wait for an answer over it and unanswered calls that came over it.
type watchTable struct {
	shards [shards]struct {
		mu   sync.Mutex
		held map[uint64]*watcher
	}
}

// watcher is one wish, a link of its connection's list; the shard's lock
// guards it.
type watcher struct {
	prev, next *watcher
	conn       uint64
	in         bool
	who        interface{ connClosed() }
}

func (t *watchTable) init() {
	for i := range t.shards {
		t.shards[i].held = map[uint64]*watcher{}
	}
}

func (t *watchTable) add(conn uint64, w *watcher) {
	sh := &t.shards[conn%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	w.conn, w.in, w.prev, w.next = conn, true, nil, sh.held[conn]
	if w.next != nil {
		w.next.prev = w
	}
	sh.held[conn] = w
}

func (t *watchTable) remove(w *watcher) {
	sh := &t.shards[w.conn%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if !w.in {
		return
	}
	w.in = false
	if w.next != nil {
		w.next.prev = w.prev
	}
	switch {
	case w.prev != nil:
		w.prev.next = w.next
	case w.next != nil:
		sh.held[w.conn] = w.next
	default:
		delete(sh.held, w.conn)
	}
	w.prev, w.next = nil, nil // or one that stays would keep those that went
}

// take empties the list of a closed connection and returns who was on it.
func (t *watchTable) take(conn uint64) (who []interface{ connClosed() }) {
	sh := &t.shards[conn%shards]
	sh.mu.Lock()
	defer sh.mu.Unlock()
	for w := sh.held[conn]; w != nil; {
		next := w.next
		w.in, w.prev, w.next = false, nil, nil
		who = append(who, w.who)
		w = next
	}
	delete(sh.held, conn)
	return who
}
