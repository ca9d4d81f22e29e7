package trust

import (
	"bytes"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestTokens(t *testing.T) {
	k := NewKeyring(rand.Reader)
	plain := bytes.Repeat([]byte{7}, 24)
	token := k.Seal('p', "Traversal", plain)
	if len(token) >= 90 || strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		t.Errorf("token %q of %d characters", token, len(token))
	}
	if got, err := k.Open('p', "Traversal", token); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("got %x, %v", got, err)
	}
	if again := k.Seal('p', "Traversal", plain); again != token {
		t.Error("the same content gives another token")
	}
	if k.Seal('p', "Traversal", append([]byte{8}, plain[1:]...))[:18] == token[:18] {
		t.Error("another content has the same nonce")
	}
	if k.Seal('q', "Traversal", plain)[2:18] == token[2:18] || k.Seal('p', "T", plain)[2:18] == token[2:18] {
		t.Error("another purpose or zone has the same nonce")
	}
	for name, open := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return k.Open('q', "Traversal", token) },
		"other zone":    func() ([]byte, error) { return k.Open('p', "Traversa", token) },
		"long zone":     func() ([]byte, error) { return k.Open('p', strings.Repeat("z", 256), token) },
		"cut":           func() ([]byte, error) { return k.Open('p', "Traversal", token[:len(token)-2]) },
		"line end":      func() ([]byte, error) { return k.Open('p', "Traversal", token[:9]+"\n"+token[9:]) },
		"empty":         func() ([]byte, error) { return k.Open('p', "Traversal", "") },
		"padded":        func() ([]byte, error) { return k.Open('p', "Traversal", token+"=") },
		"huge":          func() ([]byte, error) { return k.Open('p', "Traversal", strings.Repeat("A", 1<<20)) },
		"other ring":    func() ([]byte, error) { return NewKeyring(rand.Reader).Open('p', "Traversal", token) },
	} {
		if got, err := open(); err != ErrToken || got != nil {
			t.Errorf("%s: %x, %v", name, got, err)
		}
	}
	for i := range token {
		c := byte('A')
		if token[i] == c {
			c = 'B'
		}
		if _, err := k.Open('p', "Traversal", token[:i]+string(c)+token[i+1:]); err != ErrToken {
			t.Errorf("opened with character %d changed", i)
		}
	}
	if got, err := k.Open(0, "", k.Seal(0, "", nil)); err != nil || len(got) != 0 {
		t.Errorf("empty content: %x, %v", got, err)
	}
}

func TestRotation(t *testing.T) {
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	k := NewKeyring(rand.Reader)
	first := k.Seal(1, "z", []byte("first"))
	k.Rotate(start)
	second := k.Seal(1, "z", []byte("second"))
	if _, err := k.Open(1, "z", first); err != nil {
		t.Errorf("a retired key does not open: %v", err)
	}
	k.Rotate(start.Add(Retention))
	if _, err := k.Open(1, "z", first); err != nil {
		t.Errorf("after %s: %v", Retention, err)
	}
	k.Prune(start.Add(Retention + time.Second))
	if _, err := k.Open(1, "z", first); err != ErrToken {
		t.Errorf("later than %s: %v", Retention, err)
	}
	if _, err := k.Open(1, "z", second); err != nil {
		t.Errorf("the younger key: %v", err)
	}
	for range 3 * maxKeys { // ids come round
		if err := k.Rotate(start.Add(Retention)); err != nil {
			t.Fatal(err)
		}
	}
	last := k.Seal(1, "z", []byte("last"))
	if _, err := k.Open(1, "z", last); err != nil || len(k.set.Load().keys) > maxKeys {
		t.Errorf("%d keys, %v", len(k.set.Load().keys), err)
	}
}

func TestHandOver(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	core, edge := NewKeyring(rand.Reader), NewKeyring(rand.Reader)
	own := edge.Seal(1, "z", []byte("own"))
	core.Rotate(now)
	if err := edge.Import(core.Export(), now); err != nil {
		t.Fatal(err)
	}
	token := edge.Seal(1, "z", []byte("x"))
	if _, err := core.Open(1, "z", token); err != nil {
		t.Errorf("core does not read edge's token: %v", err)
	}
	if _, err := edge.Open(1, "z", own); err != nil {
		t.Errorf("edge's own older token: %v", err)
	}
	before := edge.set.Load()
	if edge.Import(core.Export(), now.Add(time.Hour)); edge.set.Load() != before {
		t.Error("importing the same again changed the ring")
	}
	edge.Prune(now.Add(Retention + time.Hour))
	if _, err := edge.Open(1, "z", own); err != ErrToken {
		t.Error("edge's own key outlived its time")
	}
	for _, bad := range [][]byte{nil, []byte("SPK1"), core.Export()[1:], core.Export()[:60], append(core.Export(), 0)} {
		if err := edge.Import(bad, now); !errors.Is(err, errKeys) {
			t.Errorf("import of %d bytes: %v", len(bad), err)
		}
	}
}

func TestKeyringIsSavedFirst(t *testing.T) {
	tr := newTrust(t, nil)
	k, err := tr.Keyring("core", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Rotate(time.Now()); err != nil {
		t.Fatal(err)
	}
	token := k.Seal(1, "z", []byte("x"))
	again, err := tr.Keyring("core", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Open(1, "z", token); err != nil {
		t.Error("a rotated key was lost in a restart")
	}
	k.save = func([]byte) error { return errors.New("disk full") }
	if err := k.Rotate(time.Now()); err == nil || k.Seal(1, "z", []byte("x")) != token {
		t.Errorf("a key that could not be saved is in use: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	k := NewKeyring(bytes.NewReader(bytes.Repeat([]byte{1, 2, 3}, 20)))
	f.Add(byte(1), "zone", k.Seal(1, "zone", []byte("hello")))
	f.Add(byte(0), "", "")
	f.Add(byte(2), "zone", k.Seal(1, "zone", nil))
	f.Fuzz(func(t *testing.T, purpose byte, zone, token string) {
		plain, err := k.Open(purpose, zone, token)
		if err != nil {
			return
		}
		if again := k.Seal(purpose, zone, plain); again != token {
			t.Fatalf("%q opens but is not what sealing gives, %q", token, again)
		}
	})
}

func FuzzImport(f *testing.F) {
	k := NewKeyring(rand.Reader)
	f.Add(k.Export())
	f.Fuzz(func(t *testing.T, b []byte) {
		keys, err := decodeKeys(b)
		if err != nil {
			return
		}
		again, err := decodeKeys(newKeyset(keys).encode())
		if err != nil || len(again) != len(keys) {
			t.Fatalf("%d keys became %d, %v", len(keys), len(again), err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	k := NewKeyring(rand.Reader)
	plain := make([]byte, 24)
	b.ReportAllocs()
	for b.Loop() {
		k.Seal('p', "Traversal", plain)
	}
}

func BenchmarkOpen(b *testing.B) {
	k := NewKeyring(rand.Reader)
	token := k.Seal('p', "Traversal", make([]byte, 24))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := k.Open('p', "Traversal", token); err != nil {
			b.Fatal(err)
		}
	}
}
