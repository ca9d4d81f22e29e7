package config

import (
	"encoding/binary"
	"encoding/json"
	"errors"

	bolt "go.etcd.io/bbolt"

	"sallyport/appliance/xapi"
)

// Buckets of the file.
const (
	bucketMeta    = "meta"    // schema, rev, pending
	bucketValues  = "values"  // storage key to canonical text
	bucketJournal = "journal" // revision to Entry, for people
	bucketUndo    = "undo"    // revision to raw texts before it, for going back

	keySchema  = "schema"
	keyRev     = "rev"
	keyPending = "pending"
)

// maxRevisions bounds the journal; older revisions can no longer be gone back to.
const maxRevisions = 10000

// undo is what a revision replaced: key to raw text, nil = was unset.
type undo map[string]*string

// write puts a whole revision into one transaction.
func write(tx *bolt.Tx, e *Edit, keys []string, entry Entry, pending *Pending) error {
	values, back := tx.Bucket([]byte(bucketValues)), undo{}
	for _, key := range keys {
		was := e.before[key]
		back[key] = nil
		if was.set {
			back[key] = &was.raw
		}
		if err := store(values, key, e.next, was.place); err != nil {
			return err
		}
	}
	id := number(entry.Rev)
	if err := errors.Join(
		putJSON(tx.Bucket([]byte(bucketJournal)), id, entry),
		putJSON(tx.Bucket([]byte(bucketUndo)), id, back),
		tx.Bucket([]byte(bucketMeta)).Put([]byte(keyRev), id),
		putPending(tx.Bucket([]byte(bucketMeta)), pending),
	); err != nil {
		return err
	}
	return prune(tx, entry.Rev-maxRevisions)
}

func store(values *bolt.Bucket, key string, next *Snapshot, p xapi.Place) error {
	if raw, set := next.raw(p.Item, p.Idx); set {
		return values.Put([]byte(key), []byte(raw))
	}
	return values.Delete([]byte(key))
}

// prune forgets revisions up to last. One commit adds one, so few are due.
func prune(tx *bolt.Tx, last int) error {
	for _, name := range []string{bucketJournal, bucketUndo} {
		b := tx.Bucket([]byte(name))
		for {
			k, _ := b.Cursor().First()
			if k == nil || revision(k) > last {
				break
			}
			if err := b.Delete(k); err != nil {
				return err
			}
		}
	}
	return nil
}

// read loads the newest revision from disk.
func (s *Store) read(tx *bolt.Tx) error {
	meta := tx.Bucket([]byte(bucketMeta))
	sn := &Snapshot{
		rev: revision(meta.Get([]byte(keyRev))), table: s.table, sealer: s.sealer,
		values: map[*xapi.Item]map[index]string{}, kept: map[string]string{},
	}
	err := tx.Bucket([]byte(bucketValues)).ForEach(func(k, v []byte) error {
		sn.take(string(k), string(v))
		return nil
	})
	if err != nil {
		return err
	}
	s.pending, err = getPending(meta)
	s.now.Store(sn)
	return err
}

// take puts a stored text where its row is, or aside if no row takes it.
func (sn *Snapshot) take(key, raw string) {
	p, ok := sn.table.takes(key, raw)
	if !ok {
		sn.kept[key] = raw
		return
	}
	cells := sn.values[p.Item]
	if cells == nil {
		cells = map[index]string{}
		sn.values[p.Item] = cells
	}
	cells[indexOf(p.Idx)] = raw
}

func number(rev int) []byte { return binary.BigEndian.AppendUint64(nil, uint64(rev)) }

func revision(key []byte) int {
	if len(key) != 8 {
		return 0
	}
	return int(binary.BigEndian.Uint64(key))
}

func putJSON(b *bolt.Bucket, key []byte, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return b.Put(key, text)
}
