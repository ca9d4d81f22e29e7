// Package state keeps what is not configuration and must outlive a restart:
// bindings, sessions, discovered nodes, each with an expiry.
//
// A Store is memory first: reads and writes never wait for the disk. Run writes
// what changed in batches, or sooner where a table is in a hurry, and drops what
// has expired. Losing the last batch, or
// the whole file, costs clients a new registration and nothing else; therefore a
// damaged file is put aside and the store starts empty. The roles own the
// tables' meaning; nothing secret that must not reach the disk belongs here.
package state

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	bolt "go.etcd.io/bbolt"
)

// ErrFull is a Put of a new key into a table that holds its limit.
var ErrFull = errors.New("table is full")

// ErrShare is a Put of a new key into a table of whose room the key's group has
// its share.
var ErrShare = errors.New("share of the table is full")

// openTimeout bounds the wait for another process to let go of the file.
const openTimeout = 2 * time.Second

// Store is a set of named tables. All methods may be called from any goroutine.
type Store struct {
	clock  func() time.Time
	db     *bolt.DB // nil = memory only
	damage string   // what happened to the file at Open; empty = nothing

	wake  chan struct{} // tells Run that there is something to write or expire
	hurry chan struct{} // and that it must not wait for more

	mu     sync.Mutex
	tables map[string]*Table
	feed   func(Change)
}

// Change is one change of a table, as a peer would need it to follow.
type Change struct {
	Table   string
	Key     string
	Value   []byte    // nil = removed
	Expires time.Time // zero = never
}

// Open opens or makes the file at path; an empty path keeps everything in memory
// only. What had expired while nothing ran is not brought back. A damaged file is
// renamed to path + ".damaged" and Damage tells so; the error is one of the
// machine (no permission, file in use).
func Open(path string, clock func() time.Time) (*Store, error) {
	s := &Store{clock: clock, tables: map[string]*Table{}, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1)}
	if path == "" {
		return s, nil
	}
	db, err := openFile(path)
	if damaged(err) {
		s.damage = err.Error()
		if err := os.Rename(path, path+".damaged"); err != nil {
			return nil, fmt.Errorf("put damaged state aside: %w", err)
		}
		db, err = openFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open state %s: %w", path, err)
	}
	s.db = db
	return s, nil
}

// Damage tells what was wrong with the file that Open put aside, or "".
func (s *Store) Damage() string { return s.damage }

// OnChange has f called for every change of every table, in order per key, while
// the table is locked: f must hand it over and return. One f at a time; nil ends
// it.
func (s *Store) OnChange(f func(Change)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.feed = f
	for _, t := range s.tables {
		t.setFeed(f)
	}
}

// Table returns the named table, loaded from the file, with room for limit keys.
// Asked again it returns the same table with the new limit; what is above a
// lowered limit stays until it expires.
func (s *Store) Table(name string, limit int) *Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.tables[name]; t != nil {
		t.setLimit(limit)
		return t
	}
	t := newTable(name, limit, s.clock, func() { signal(s.wake) }, func() { signal(s.hurry) })
	t.feed = s.feed
	if s.db != nil {
		t.dirty = map[string]bool{}
		if err := s.db.View(t.load); err != nil {
			s.damage = fmt.Sprintf("table %s: %v", name, err)
		}
	}
	s.tables[name] = t
	return t
}

// Close writes what is left and releases the file. Run must have returned.
func (s *Store) Close() error {
	if s.db == nil {
		return nil
	}
	return errors.Join(s.flush(), s.db.Close())
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (s *Store) all() []*Table {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*Table, 0, len(s.tables))
	for _, t := range s.tables {
		out = append(out, t)
	}
	return out
}
