package config

import (
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// A step takes the file from one schema to the next. Steps are never changed
// once released; a new schema is a new step and a new file in testdata.
type step func(tx *bolt.Tx) error

// steps lists the steps in order: steps()[n] takes schema n to schema n+1.
func steps() []step { return []step{firstSchema} }

// migrate brings the file to the newest schema inside one transaction, so that
// a power cut leaves the old schema or the new one.
func migrate(steps []step) func(*bolt.Tx) error {
	return func(tx *bolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists([]byte(bucketMeta))
		if err != nil {
			return err
		}
		at := revision(meta.Get([]byte(keySchema)))
		if at > len(steps) {
			return fmt.Errorf("it was written by a newer version (schema %d, this one knows %d)", at, len(steps))
		}
		for ; at < len(steps); at++ {
			if err := steps[at](tx); err != nil {
				return fmt.Errorf("migrate from schema %d: %w", at, err)
			}
		}
		return meta.Put([]byte(keySchema), number(at))
	}
}

// firstSchema makes the buckets of schema 1 in an empty file.
func firstSchema(tx *bolt.Tx) error {
	for _, name := range []string{bucketValues, bucketJournal, bucketUndo} {
		if _, err := tx.CreateBucketIfNotExists([]byte(name)); err != nil {
			return err
		}
	}
	return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyRev), number(0))
}
