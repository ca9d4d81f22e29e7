package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Before a file is taken to a newer schema, a copy of it stays beside it, as
// NAME.schema-N. A version that does not know the newer schema, such as one that
// a failed update fell back to, goes on with the copy; the commits made since
// are dropped, and told.

func keptName(path string, schema int) string { return fmt.Sprintf("%s.schema-%d", path, schema) }

// suit makes the file at path one that this version can open.
func (s *Store) suit(path string, known int) error {
	at, _, err := peek(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil || at == 0 || at == known:
		return err
	case at < known:
		return copyFile(path, keptName(path, at))
	}
	return s.fallBack(path, at, known)
}

// fallBack puts the newest copy that this version knows in the file's place. The
// newer file stays, for the newer version.
func (s *Store) fallBack(path string, at, known int) error {
	for n := known; n > 0; n-- {
		copied := keptName(path, n)
		_, rev, err := peek(copied)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return err
		}
		if s.dropped, err = after(path, rev); err != nil {
			return err
		}
		if err := copyFile(path, keptName(path, at)); err != nil {
			return err
		}
		return copyFile(copied, path)
	}
	return nil // migrate says that the file is too new
}

// Dropped lists the commits, newest first, that were made by a newer version and
// are lost because this one could not read them. It is empty but for the first
// start after such a fall.
func (s *Store) Dropped() []Entry { return s.dropped }

// WouldDrop lists the commits that a version which does not know the file's
// schema would not have, newest first; none if no newer schema was ever
// reached. The store may be open meanwhile: a copy is looked at.
func WouldDrop(path string) (out []Entry, err error) {
	dir, err := os.MkdirTemp("", "sallyport-look")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	look := filepath.Join(dir, "config.db")
	if err := copyFile(path, look); err != nil {
		return nil, err
	}
	err = guard(func() error {
		at, _, err := peek(look)
		for n := at - 1; n > 0 && err == nil; n-- {
			if _, rev, e := peek(keptName(path, n)); e == nil {
				out, err = after(look, rev)
				return err
			}
		}
		return err
	})
	return out, err
}

// peek reads the schema and the revision of a file; an empty one has schema 0.
func peek(path string) (schema, rev int, err error) {
	st, err := os.Stat(path)
	if err != nil || st.Size() == 0 {
		return 0, 0, err
	}
	err = readOnly(path, func(tx *bolt.Tx) error {
		if meta := tx.Bucket([]byte(bucketMeta)); meta != nil {
			schema, rev = revision(meta.Get([]byte(keySchema))), revision(meta.Get([]byte(keyRev)))
		}
		return nil
	})
	return schema, rev, err
}

// after lists the journal beyond a revision, newest first.
func after(path string, rev int) (out []Entry, err error) {
	err = readOnly(path, func(tx *bolt.Tx) error {
		journal := tx.Bucket([]byte(bucketJournal))
		if journal == nil {
			return nil
		}
		c := journal.Cursor()
		for k, v := c.Last(); k != nil && revision(k) > rev; k, v = c.Prev() {
			e := Entry{Rev: revision(k)}
			if json.Unmarshal(v, &e) != nil { // a newer version may write it otherwise
				e = Entry{Rev: revision(k)}
			}
			out = append(out, e)
		}
		return nil
	})
	return out, err
}

func readOnly(path string, f func(*bolt.Tx) error) error {
	db, err := openFile(path, &bolt.Options{Timeout: openTimeout, ReadOnly: true})
	if err != nil {
		return err
	}
	return errors.Join(db.View(f), db.Close())
}

// copyFile replaces to by a copy of from; a power cut leaves the old or the new.
func copyFile(from, to string) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	tmp, err := os.CreateTemp(filepath.Dir(to), "."+filepath.Base(to)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = io.Copy(tmp, r)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), to); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// String is the commit as a line for people.
func (e Entry) String() string {
	text := fmt.Sprintf("revision %d, %s by %s from %s", e.Rev, e.When.UTC().Format(time.RFC3339), e.Who.User, e.Who.From)
	if len(e.Changes) > 0 {
		text += ": " + e.Changes[0].Path
	}
	if n := len(e.Changes) - 1; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}
