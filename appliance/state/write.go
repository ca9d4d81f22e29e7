package state

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

var errTooLarge = errors.New("key or value is too large")

const (
	batchWait = 100 * time.Millisecond // most that a power cut can lose
	maxBatch  = 4096                   // records in one transaction
	idle      = time.Minute            // longest sleep when nothing is to expire
)

// Run writes changes in batches and drops what has expired. It blocks until ctx
// ends, and has written everything when it returns.
func (s *Store) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return s.flush()
		case <-s.hurry:
		case <-s.wake:
			if !s.gather(ctx) {
				return s.flush()
			}
		case <-timer.C:
		}
		next := s.expire()
		if err := s.flush(); err != nil {
			return err
		}
		timer.Reset(next)
	}
}

// expire drops what has expired and returns how long until the next key does.
func (s *Store) expire() time.Duration {
	now := s.clock()
	wait := idle
	for _, t := range s.all() {
		if next := t.expire(now); !next.IsZero() {
			wait = min(wait, max(next.Sub(now), batchWait))
		}
	}
	return wait
}

// flush writes every dirty key. Keys of a batch that fails stay dirty.
func (s *Store) flush() error {
	if s.db == nil {
		return nil
	}
	for _, t := range s.all() {
		for {
			batch := t.takeDirty()
			if len(batch) == 0 {
				break
			}
			if err := s.db.Update(func(tx *bolt.Tx) error { return write(tx, t.name, batch) }); err != nil {
				t.giveBack(batch)
				return fmt.Errorf("write state table %s: %w", t.name, err)
			}
		}
	}
	return nil
}

// takeDirty returns the rows to write next; one without value is to be removed.
func (t *Table) takeDirty() []row {
	t.mu.Lock()
	defer t.mu.Unlock()
	var batch []row
	for key := range t.dirty {
		if len(batch) == maxBatch {
			break
		}
		delete(t.dirty, key)
		r := row{key: key, slot: -1}
		if have := t.rows[key]; have != nil {
			r = *have
		}
		batch = append(batch, r)
	}
	return batch
}

func (t *Table) giveBack(batch []row) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range batch {
		t.dirty[r.key] = true
	}
}

func write(tx *bolt.Tx, table string, batch []row) error {
	b, err := tx.CreateBucketIfNotExists([]byte(table))
	if err != nil {
		return err
	}
	for _, r := range batch {
		if r.value == nil {
			err = b.Delete([]byte(r.key))
		} else {
			err = b.Put([]byte(r.key), r.encode())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// A record on disk is its expiry in Unix nanoseconds (0 = never), then the value.
const expirySize = 8

func (r row) encode() []byte {
	nanos := int64(0)
	if !r.expires.IsZero() {
		nanos = r.expires.UnixNano()
	}
	return append(binary.BigEndian.AppendUint64(nil, uint64(nanos)), r.value...)
}

func decode(key string, text []byte) (*row, bool) {
	if len(text) < expirySize || key == "" {
		return nil, false
	}
	r := &row{key: key, slot: -1, value: append([]byte{}, text[expirySize:]...)}
	if nanos := int64(binary.BigEndian.Uint64(text)); nanos != 0 {
		r.expires = time.Unix(0, nanos)
	}
	return r, true
}

// gather waits for a batch to fill, unless somebody is in a hurry, and reports
// whether that was over before ctx.
func (s *Store) gather(ctx context.Context) bool {
	t := time.NewTimer(batchWait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.hurry:
	case <-t.C:
	}
	return true
}
