package config

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"sallyport/appliance/xapi"
)

var update = flag.Bool("update", false, "write the database file of the newest schema into testdata, if there is none yet")

// schemaLines are what the files in testdata hold, as their version took it.
var schemaLines = []string{
	"SystemUnit Name: kept from schema 1",
	"Zones Zone 12 Neighbor Peer 3 Address: ucm3.example.com",
	"Zones Zone 12 Type: Neighbor",
	"Test Upstream 2 Password: sealed by schema 1",
}

// TestOldFilesOpen opens a file of every schema there has been. Files are made
// once by the version that introduces a schema, and never again.
func TestOldFilesOpen(t *testing.T) {
	if *update {
		makeSchemaFile(t)
	}
	files, err := filepath.Glob("testdata/schema*.db")
	if err != nil || len(files) != len(steps()) {
		t.Fatalf("%d files for %d schemas, %v", len(files), len(steps()), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "config.db")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path, testOptions(newHand()))
		sn := s.Snapshot()
		if sn.Rev() != 2 || sn.Str(xapi.SystemUnitName) != "kept from schema 1" ||
			sn.Str(xapi.NeighborPeerAddress, 12, 3) != "ucm3.example.com" || sn.Secret(testPassword, 2) != "sealed by schema 1" {
			t.Errorf("%s holds\n%s", file, dump(sn))
		}
		set(t, s, alice, "SystemUnit Name: edited")
		if _, err := s.Rollback(1, alice); err != nil || s.Snapshot().Str(xapi.SystemUnitName) != "first" {
			t.Errorf("%s: rollback to revision 1: %v", file, err)
		}
	}
}

func makeSchemaFile(t *testing.T) {
	t.Helper()
	path := filepath.Join("testdata", "schema1.db")
	if _, err := os.Stat(path); err == nil {
		return
	}
	s := openAt(t, path, testOptions(newHand()))
	set(t, s, alice, "SystemUnit Name: first")
	set(t, s, alice, schemaLines...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestStepsRunOnce runs steps that are not in the product: each once, in order,
// and all or none.
func TestStepsRunOnce(t *testing.T) {
	db, err := bolt.Open(filepath.Join(t.TempDir(), "x.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var ran []string
	fail := errors.New("step fails")
	mark := func(name string, err error) step {
		return func(tx *bolt.Tx) error {
			ran = append(ran, name)
			return errors.Join(tx.Bucket([]byte(bucketMeta)).Put([]byte(name), []byte("x")), err)
		}
	}
	if err := db.Update(migrate([]step{firstSchema})); err != nil {
		t.Fatal(err)
	}
	if err := db.Update(migrate([]step{firstSchema, mark("two", nil), mark("three", fail)})); !errors.Is(err, fail) {
		t.Errorf("a failing step: %v", err)
	}
	for range 2 {
		if err := db.Update(migrate([]step{firstSchema, mark("two", nil), mark("three", nil)})); err != nil {
			t.Fatal(err)
		}
	}
	if got := strings.Join(ran, " "); got != "two three two three" {
		t.Errorf("ran %s", got)
	}
	if err := db.Update(migrate([]step{firstSchema})); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("an older version opened a newer file: %v", err)
	}
}

// TestUnknownKeysAreKept plays a version that knows more than this one.
func TestUnknownKeysAreKept(t *testing.T) {
	path, opt := filepath.Join(t.TempDir(), "config.db"), testOptions(newHand())
	s := openAt(t, path, opt)
	set(t, s, alice, "SystemUnit Name: box", "Log Level: 4")
	plant := func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucketValues))
		return errors.Join(b.Put([]byte("turn/relays"), []byte("9")), b.Put([]byte("log/level"), []byte("7")),
			b.Put([]byte("zones/zone/09999/name"), []byte("far")))
	}
	if err := s.db.Update(plant); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openAt(t, path, opt)
	want := "log/level turn/relays zones/zone/09999/name"
	if got := strings.Join(s.Snapshot().Kept(), " "); got != want {
		t.Errorf("kept %q, want %q", got, want)
	}
	if got := s.Snapshot().Int(xapi.LogLevel); got != 1 {
		t.Errorf("a value out of range reads as %d", got)
	}
	set(t, s, alice, "Log Level: 2")
	if _, err := s.Rollback(1, alice); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = openAt(t, path, opt)
	if got := strings.Join(s.Snapshot().Kept(), " "); got != "turn/relays zones/zone/09999/name" {
		t.Errorf("after an edit and a rollback kept %q", got)
	}
	var out strings.Builder
	if err := s.Export(&out); err != nil || !strings.Contains(out.String(), "# kept, but not understood by this version: turn/relays\n") {
		t.Errorf("export\n%s", out.String())
	}
}
