package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport/appliance/xapi"
)

// Entry is one revision in the journal. Secrets are masked.
type Entry struct {
	Rev     int
	Who     Who
	When    time.Time
	Note    string `json:",omitempty"` // what it was for, if it was no plain edit
	Changes []Change
}

// ErrNoRevision is a revision that never was, or is too old to go back to.
var ErrNoRevision = errors.New("no such revision")

// Journal returns the newest n revisions, newest first.
func (s *Store) Journal(n int) ([]Entry, error) {
	var out []Entry
	err := s.db.View(func(tx *bolt.Tx) error {
		c := tx.Bucket([]byte(bucketJournal)).Cursor()
		for k, v := c.Last(); k != nil && len(out) < n; k, v = c.Prev() {
			var e Entry
			if err := json.Unmarshal(v, &e); err != nil {
				return fmt.Errorf("journal of revision %d: %w", revision(k), err)
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

// Diff tells what changed from revision a to revision b, which may be the older
// one. Secrets are masked; a changed secret is listed.
func (s *Store) Diff(a, b int) ([]Change, error) {
	var out []Change
	err := s.db.View(func(tx *bolt.Tx) error {
		before, err := rawAt(tx, a)
		if err != nil {
			return err
		}
		after, err := rawAt(tx, b)
		if err != nil {
			return err
		}
		out = s.compare(before, after)
		return nil
	})
	return out, err
}

func (s *Store) compare(before, after map[string]string) []Change {
	keys := map[string]bool{}
	for k := range before {
		keys[k] = true
	}
	for k := range after {
		keys[k] = true
	}
	var out []Change
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		old, was := before[k]
		raw, is := after[k]
		if was == is && old == raw {
			continue
		}
		if p, ok := s.table.place(k); ok {
			out = append(out, shown(p, old, was, raw, is))
		} else {
			out = append(out, Change{k, mask(was), mask(is), was, is})
		}
	}
	return out
}

// rawAt returns all raw texts as they were at revision rev.
func rawAt(tx *bolt.Tx, rev int) (map[string]string, error) {
	at := map[string]string{}
	err := tx.Bucket([]byte(bucketValues)).ForEach(func(k, v []byte) error {
		at[string(k)] = string(v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	newest := revision(tx.Bucket([]byte(bucketMeta)).Get([]byte(keyRev)))
	if rev < 0 || rev > newest {
		return nil, fmt.Errorf("%w: %d; the newest is %d", ErrNoRevision, rev, newest)
	}
	for r := newest; r > rev; r-- {
		if err := goBack(tx, r, at); err != nil {
			return nil, err
		}
	}
	return at, nil
}

func goBack(tx *bolt.Tx, rev int, at map[string]string) error {
	text := tx.Bucket([]byte(bucketUndo)).Get(number(rev))
	if text == nil {
		return fmt.Errorf("%w: what revision %d replaced is no longer kept", ErrNoRevision, rev)
	}
	var back undo
	if err := json.Unmarshal(text, &back); err != nil {
		return fmt.Errorf("undo of revision %d: %w", rev, err)
	}
	for key, raw := range back {
		if raw == nil {
			delete(at, key)
		} else {
			at[key] = *raw
		}
	}
	return nil
}

// Rollback makes a new revision with the values of revision rev. Checks apply as
// to any edit.
func (s *Store) Rollback(rev int, who Who) (*Commit, error) {
	s.write.Lock()
	defer s.write.Unlock()
	return s.rollbackLocked(rev, who, s.pending, fmt.Sprintf("rollback to revision %d", rev))
}

func (s *Store) rollbackLocked(rev int, who Who, pending *Pending, note string) (*Commit, error) {
	var want map[string]string
	err := s.db.View(func(tx *bolt.Tx) (err error) {
		want, err = rawAt(tx, rev)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.editLocked(who, pending, func(e *Edit) error {
		e.Note(note)
		e.replace(want)
		return nil
	})
}

// replace makes the candidate hold exactly the given raw texts, as far as they
// are understood; keys that are kept aside are left alone.
func (e *Edit) replace(want map[string]string) {
	understood := map[string]xapi.Place{}
	for key, raw := range want {
		if p, ok := e.next.table.takes(key, raw); ok {
			understood[key] = p
		}
	}
	for _, p := range e.next.places() {
		if _, keep := understood[p.Key()]; !keep {
			e.remove(p)
		}
	}
	for key, p := range understood {
		e.put(p, want[key])
	}
}
