package state

import (
	"bytes"
	"cmp"
	"container/heap"
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"

	bolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// errDamaged is a file that is there but cannot be read as a database.
var errDamaged = errors.New("damaged")

func damaged(err error) bool { return errors.Is(err, errDamaged) }

// openFile opens the file and reads all of it once, since a torn page shows only
// when it is met.
func openFile(path string) (db *bolt.DB, err error) {
	err = guard(func() (err error) {
		db, err = bolt.Open(path, 0o600, &bolt.Options{Timeout: openTimeout})
		return err
	})
	switch machine := new(fs.PathError); {
	case errors.Is(err, berrors.ErrTimeout), errors.As(err, &machine):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %v", errDamaged, err)
	}
	err = guard(func() error { return db.View(walk) })
	if err == nil {
		err = db.View(check)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %v", errDamaged, errors.Join(err, db.Close()))
	}
	return db, nil
}

// guard turns what bbolt does when it meets a torn page, a panic or a read beyond
// its mapping, into an error.
func guard(f func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("torn page: %v", v)
		}
	}()
	return f()
}

// walk touches every record in this goroutine, so that guard sees what happens.
func walk(tx *bolt.Tx) error {
	return tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		return b.ForEach(func(k, v []byte) error {
			if len(bytes.Clone(k)) == 0 || len(bytes.Clone(v)) < expirySize {
				return fmt.Errorf("table %q holds what is no record", name)
			}
			return nil
		})
	})
}

// check finds pages that are used twice, which would spoil later writes. It must
// follow a walk that went well: it reads in a goroutine of its own.
func check(tx *bolt.Tx) error {
	var first error
	for err := range tx.Check() {
		first = cmp.Or(first, err)
	}
	return first
}

// load fills the table from the file. Expired and malformed records are left
// out, and removed with the next batch.
func (t *Table) load(tx *bolt.Tx) error {
	b := tx.Bucket([]byte(t.name))
	if b == nil {
		return nil
	}
	now := t.clock()
	return b.ForEach(func(k, v []byte) error {
		r, ok := decode(string(k), v)
		if !ok || r.expired(now) {
			t.dirty[string(k)] = true
			return nil
		}
		t.insertLocked(r)
		if !r.expires.IsZero() {
			heap.Push(&t.expiry, r)
		}
		return nil
	})
}
