package config

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"sallyport/appliance/xapi"
)

// Commit tells what an edit did.
type Commit struct {
	Rev     int
	Changes []Change // empty if nothing changed; then there is no new revision
	Pending *Pending // set while a change waits to be confirmed
}

// Change is one row's text before and after, as the operator may see it: secrets
// are masked, an unset row reads as empty.
type Change struct {
	Path   string
	Before string
	After  string
	WasSet bool
	IsSet  bool
}

// Edit runs fn on a candidate, checks it, and commits it as one revision. If fn
// or a check fails nothing changes; a failing check is a *CheckError. Edits run one at a time; fn must not call
// the store's own writing methods. When Edit returns without error the revision
// is on disk.
func (s *Store) Edit(who Who, fn func(*Edit) error) (*Commit, error) {
	s.write.Lock()
	defer s.write.Unlock()
	return s.editLocked(who, s.pending, fn)
}

// editLocked commits what fn does and makes pending what waits afterwards.
func (s *Store) editLocked(who Who, pending *Pending, fn func(*Edit) error) (*Commit, error) {
	base := s.Snapshot()
	e := newEdit(base, s.sealer)
	if err := fn(e); err != nil {
		return nil, err
	}
	keys := e.changed()
	if len(keys) == 0 && pending.same(s.pending) {
		return &Commit{Rev: base.rev, Pending: s.pending.copy()}, nil
	}
	if err := s.check(base, e.next); err != nil {
		return nil, err
	}
	e.next.rev = base.rev + 1
	entry := s.entry(who, e, keys)
	if err := s.db.Update(func(tx *bolt.Tx) error { return write(tx, e, keys, entry, pending) }); err != nil {
		return nil, storeFault(e.next.rev, err)
	}
	s.publish(e.next, pending)
	return &Commit{Rev: e.next.rev, Changes: entry.Changes, Pending: pending.copy()}, nil
}

func (s *Store) publish(next *Snapshot, pending *Pending) {
	s.now.Store(next)
	if !pending.same(s.pending) {
		s.pending = pending
		select {
		case s.rearm <- struct{}{}:
		default:
		}
	}
	s.watches.signal()
}

// CheckError is what checks found wrong with a candidate as a whole.
type CheckError struct{ Faults []error }

func (e *CheckError) Error() string { return errors.Join(e.Faults...).Error() }

// Unwrap gives the faults one by one.
func (e *CheckError) Unwrap() []error { return e.Faults }

// check refuses what the checks find wrong with the candidate, except faults
// that the base has as well: a rule that came with an update must not stop the
// edit that mends something else.
func (s *Store) check(base, next *Snapshot) error {
	var fresh []error
	for _, check := range append(tableChecks(), s.opt.Checks...) {
		found := parts(check(next))
		if len(found) == 0 {
			continue
		}
		old := map[string]bool{}
		for _, err := range parts(check(base)) {
			old[err.Error()] = true
		}
		for _, err := range found {
			if !old[err.Error()] {
				fresh = append(fresh, err)
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	return &CheckError{fresh}
}

// parts takes a joined error apart.
func parts(err error) []error {
	if err == nil {
		return nil
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}

func (s *Store) entry(who Who, e *Edit, keys []string) Entry {
	entry := Entry{Rev: e.next.rev, Who: who, When: s.opt.Clock().UTC().Truncate(time.Millisecond), Note: e.note}
	for _, key := range keys {
		was := e.before[key]
		raw, set := e.next.raw(was.place.Item, was.place.Idx)
		entry.Changes = append(entry.Changes, shown(was.place, was.raw, was.set, raw, set))
	}
	return entry
}

func shown(p xapi.Place, before string, was bool, after string, is bool) Change {
	if p.Item.Masked() {
		before, after = mask(was), mask(is)
	}
	return Change{p.String(), before, after, was, is}
}

func mask(set bool) string {
	if set {
		return xapi.Mask
	}
	return ""
}
