package config

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"sallyport/appliance/xapi"
)

// FuzzPlace wants every storage key that is read as a place to be the key of that
// place.
func FuzzPlace(f *testing.F) {
	for _, key := range []string{"log/level", "zones/zone/00003/name", "zones/zone/3/name", "zones/zone/01001/name", "", "/", "zones/zone/#/name", "zones/zone/+1000/name"} {
		f.Add(key)
	}
	tab := newTable(xapi.Items(), xapi.Core)
	f.Fuzz(func(t *testing.T, key string) {
		if p, ok := tab.place(key); ok && p.Key() != key {
			t.Fatalf("%q is read as %v, whose key is %q", key, p, p.Key())
		}
	})
}

// FuzzHash wants every hash that is accepted to be bounded, and to print as it
// was read.
func FuzzHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Add("$argon2id$v=19$m=8,t=+1,p=01$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, ok := parseHash(text)
		if !ok {
			return
		}
		if h.memory > maxHashMemory || h.time > maxHashTime || h.threads != 1 {
			t.Fatalf("%q is accepted", text)
		}
		if again, ok := parseHash(h.String()); !ok || again.String() != h.String() {
			t.Fatalf("%q prints as %q", text, h.String())
		}
	})
}

// TestDamagedFileIsAnError spoils a good file in many places: Open never panics,
// and a file that it cannot read is left alone.
func TestDamagedFileIsAnError(t *testing.T) {
	good, err := os.ReadFile("testdata/schema1.db")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for from := 0; from < len(good); from += 1000 {
		torn := append([]byte{}, good...)
		for i := from; i < min(from+500, len(torn)); i++ {
			torn[i] ^= 0x5A
		}
		path := filepath.Join(dir, strconv.Itoa(from))
		if err := os.WriteFile(path, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		if s, err := Open(path, testOptions(newHand())); err == nil {
			s.Close()
		}
	}
}
