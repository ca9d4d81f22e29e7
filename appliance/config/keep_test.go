package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sallyport/appliance/xapi"
)

// newer makes the file one of a version that this one does not know.
func newer(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.Update(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keySchema), number(len(steps())+1))
	}); err != nil {
		t.Fatal(err)
	}
}

// TestFallBackFindsItsOwn has an update migrate the store, an administrator
// commit on it, and the version before come back.
func TestFallBackFindsItsOwn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.db")
	s := openAt(t, path, testOptions(newHand()))
	set(t, s, alice, "SystemUnit Name: before")
	s.Close()
	if err := (&Store{}).suit(path, len(steps())+1); err != nil { // what the newer version does first
		t.Fatal(err)
	}
	s = openAt(t, path, testOptions(newHand()))
	set(t, s, alice, "SystemUnit Name: one")
	set(t, s, alice, "SystemUnit Name: two")
	s.Close()
	newer(t, path)
	if lost, err := WouldDrop(path); err != nil || len(lost) != 2 || lost[0].Rev != 3 {
		t.Errorf("told beforehand: %v %v", lost, err)
	}

	s = openAt(t, path, testOptions(newHand()))
	if got := s.Snapshot().Str(xapi.SystemUnitName); got != "before" {
		t.Errorf("the name is %q", got)
	}
	lost := s.Dropped()
	if len(lost) != 2 || lost[0].Rev != 3 || lost[1].Rev != 2 || !strings.Contains(lost[1].String(), "revision 2") || !strings.Contains(lost[1].String(), "SystemUnit Name") {
		t.Errorf("dropped %v", lost)
	}
	set(t, s, alice, "SystemUnit Name: after")
	s.Close()
	s = openAt(t, path, testOptions(newHand()))
	if len(s.Dropped()) != 0 || s.Snapshot().Str(xapi.SystemUnitName) != "after" {
		t.Errorf("the second start: dropped %v, name %s", s.Dropped(), s.Snapshot().Str(xapi.SystemUnitName))
	}
	if at, rev, err := peek(keptName(path, len(steps())+1)); at != len(steps())+1 || rev != 3 || err != nil {
		t.Errorf("the newer version's file: schema %d, revision %d, %v", at, rev, err)
	}
}

// TestNoCopyNoFall leaves a newer file alone where there is nothing to go on
// with.
func TestNoCopyNoFall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.db")
	openAt(t, path, testOptions(newHand())).Close()
	newer(t, path)
	before, _ := os.ReadFile(path)
	if _, err := Open(path, testOptions(newHand())); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("the file was touched")
	}
	if _, err := os.Stat(keptName(path, 1)); !errors.Is(err, os.ErrNotExist) {
		t.Error("a copy without a migration")
	}
}
