package config

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Pending is a change that goes back by itself unless it is confirmed in time.
type Pending struct {
	Base     int       // revision that it goes back to
	Since    time.Time // when the first unconfirmed change was made
	Deadline time.Time
	Who      Who
	Holder   uint64 `json:",omitempty"` // goes back when this one lets go, whatever the deadline; 0: nobody holds it
}

// MaxConfirm is the longest time that a change may wait to be confirmed.
const MaxConfirm = 24 * time.Hour

// ErrNothingPending is what Confirm and Revert say when nothing waits.
var ErrNothingPending = errors.New("no change waits to be confirmed")

func (p *Pending) copy() *Pending {
	if p == nil {
		return nil
	}
	c := *p
	return &c
}

func (p *Pending) same(q *Pending) bool {
	if p == nil || q == nil {
		return p == q
	}
	return p.Base == q.Base && p.Deadline.Equal(q.Deadline) && p.Holder == q.Holder
}

// EditConfirm is Edit with a time limit: unless Confirm is called within it, the
// configuration goes back to what it was before. The limit survives a restart.
// Edits made while a change waits are part of it and go back with it; a second
// EditConfirm sets a new limit.
func (s *Store) EditConfirm(who Who, within time.Duration, fn func(*Edit) error) (*Commit, error) {
	if within <= 0 || within > MaxConfirm {
		return nil, fmt.Errorf("a change can wait between 1 second and %d hours to be confirmed", int(MaxConfirm.Hours()))
	}
	s.write.Lock()
	defer s.write.Unlock()
	now := s.opt.Clock()
	p := &Pending{Base: s.Snapshot().rev, Since: now, Deadline: now.Add(within), Who: who}
	if s.pending != nil {
		p.Base, p.Since, p.Holder = s.pending.Base, s.pending.Since, s.pending.Holder
	}
	return s.editLocked(who, p, fn)
}

// ErrPending is what Hold says when a change waits already.
var ErrPending = errors.New("a change waits to be confirmed already")

// Hold makes all that changes from now on wait: it goes back with Release, at
// the latest after MaxConfirm, and when the store is opened again, unless
// Confirm is called. It returns what to give to Release.
func (s *Store) Hold(who Who) (holder uint64, err error) {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending != nil {
		return 0, fmt.Errorf("%w, of %s", ErrPending, s.pending.Who.User)
	}
	s.holders++
	now := s.opt.Clock()
	p := &Pending{Base: s.Snapshot().rev, Since: now, Deadline: now.Add(MaxConfirm), Who: who, Holder: s.holders}
	_, err = s.editLocked(who, p, func(e *Edit) error {
		e.Note("safe mode begins")
		return nil
	})
	return p.Holder, err
}

// Release takes back what holder holds; nothing if that was confirmed. It
// reports what went back.
func (s *Store) Release(holder uint64, who Who) (*Commit, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if holder == 0 || s.pending == nil || s.pending.Holder != holder {
		return &Commit{Rev: s.Snapshot().rev, Pending: s.pending.copy()}, nil
	}
	return s.revertLocked(who, "safe mode ends")
}

// releaseLost takes back what a session of an earlier life of the node held.
func (s *Store) releaseLost() error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending == nil || s.pending.Holder == 0 {
		return nil
	}
	_, err := s.revertLocked(Who{User: "system"}, "the session of safe mode is gone")
	return err
}

// Pending returns the change that waits to be confirmed, or nil.
func (s *Store) Pending() *Pending {
	s.write.Lock()
	defer s.write.Unlock()
	return s.pending.copy()
}

// Confirm keeps the change that waits.
func (s *Store) Confirm(who Who) (*Commit, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending == nil {
		return nil, ErrNothingPending
	}
	return s.editLocked(who, nil, func(e *Edit) error {
		e.Note(fmt.Sprintf("confirmed what changed since revision %d", s.pending.Base))
		return nil
	})
}

// Revert takes the change that waits back at once.
func (s *Store) Revert(who Who) (*Commit, error) {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending == nil {
		return nil, ErrNothingPending
	}
	return s.revertLocked(who, "taken back")
}

func (s *Store) revertLocked(who Who, why string) (*Commit, error) {
	base := s.pending.Base
	c, err := s.rollbackLocked(base, who, nil, fmt.Sprintf("%s: back to revision %d", why, base))
	if err == nil {
		return c, nil
	}
	// A base that can no longer be reached must not be tried for ever.
	return nil, errors.Join(err, s.dropPendingLocked())
}

func (s *Store) dropPendingLocked() error {
	err := s.db.Update(func(tx *bolt.Tx) error { return putPending(tx.Bucket([]byte(bucketMeta)), nil) })
	if err == nil {
		s.pending = nil
		s.watches.signal()
	}
	return err
}

// remainingLocked is how long the change may still wait. A clock that went back
// since the change was made does not lengthen it.
func (s *Store) remainingLocked() time.Duration {
	left := s.pending.Deadline.Sub(s.opt.Clock())
	return min(left, s.pending.Deadline.Sub(s.pending.Since))
}

// revertIfDue takes an unconfirmed change back if its time is over.
func (s *Store) revertIfDue() error {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending == nil || s.remainingLocked() > 0 {
		return nil
	}
	_, err := s.revertLocked(Who{User: "system"}, "not confirmed in time")
	return err
}

// Run takes unconfirmed changes back when their time is over. It blocks until
// ctx ends. A change whose time ran out while nothing ran is taken back by Open.
func (s *Store) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-s.rearm:
		case <-timer.C:
			if err := s.revertIfDue(); err != nil {
				return fmt.Errorf("take back unconfirmed change: %w", err)
			}
		}
		timer.Reset(s.nextRevert())
	}
}

// idleRevert is how often Run looks when nothing waits; rearm wakes it before.
const idleRevert = time.Hour

func (s *Store) nextRevert() time.Duration {
	s.write.Lock()
	defer s.write.Unlock()
	if s.pending == nil {
		return idleRevert
	}
	return max(s.remainingLocked(), 0)
}

func putPending(meta *bolt.Bucket, p *Pending) error {
	if p == nil {
		return meta.Delete([]byte(keyPending))
	}
	return putJSON(meta, []byte(keyPending), p)
}

func getPending(meta *bolt.Bucket) (*Pending, error) {
	text := meta.Get([]byte(keyPending))
	if text == nil {
		return nil, nil
	}
	p := &Pending{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fmt.Errorf("unconfirmed change: %w", err)
	}
	return p, nil
}
