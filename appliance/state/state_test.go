package state

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hand is a clock that a test sets.
type hand struct{ t time.Time }

func (h *hand) now() time.Time { return h.t }

func newHand() *hand { return &hand{time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func open(t *testing.T, path string, h *hand) *Store {
	t.Helper()
	s, err := Open(path, h.now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRestartKeepsWhatHasNotExpired(t *testing.T) {
	path, h := filepath.Join(t.TempDir(), "state.db"), newHand()
	s := open(t, path, h)
	tab := s.Table("bindings", 10)
	put(t, tab, "alice", "1", time.Hour)
	put(t, tab, "bob", "2", time.Minute)
	put(t, tab, "node", "3", 0)
	put(t, tab, "mark", "", 0)
	put(t, tab, "gone", "4", time.Hour)
	tab.Delete("gone")
	closeStore(t, s)

	h.t = h.t.Add(10 * time.Minute)
	s = open(t, path, h)
	defer closeStore(t, s)
	tab = s.Table("bindings", 10)
	for key, want := range map[string]string{"alice": "1", "node": "3", "mark": ""} {
		if got, ok := tab.Get(key); !ok || string(got) != want {
			t.Errorf("after restart %s = %q, %v; want %q", key, got, ok, want)
		}
	}
	if tab.Len() != 3 {
		t.Errorf("after restart %d keys, want 3", tab.Len())
	}
	tab.Range(func(k string, _ []byte, expires time.Time) bool {
		if k == "alice" && !expires.Equal(h.t.Add(50*time.Minute)) {
			t.Errorf("alice expires %v, want %v", expires, h.t.Add(50*time.Minute))
		}
		return true
	})
}

func put(t *testing.T, tab *Table, key, value string, ttl time.Duration) {
	t.Helper()
	if err := tab.Put(key, []byte(value), ttl); err != nil {
		t.Fatalf("put %s: %v", key, err)
	}
}

func TestLimit(t *testing.T) {
	h := newHand()
	s := open(t, "", h)
	tab := s.Table("t", 2)
	put(t, tab, "a", "1", time.Minute)
	put(t, tab, "b", "1", time.Hour)
	if err := tab.Put("c", nil, 0); !errors.Is(err, ErrFull) {
		t.Errorf("third key: %v, want ErrFull", err)
	}
	put(t, tab, "b", "2", time.Hour)
	h.t = h.t.Add(2 * time.Minute)
	put(t, tab, "c", "1", time.Hour)
	if _, ok := tab.Get("a"); ok {
		t.Error("a outlived its time")
	}
	if err := tab.Put("d", make([]byte, maxValue+1), 0); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("oversized value: %v", err)
	}
}

func TestRunExpiresAndWrites(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		var removed []string
		s.OnChange(func(c Change) {
			if c.Value == nil {
				removed = append(removed, c.Key)
			}
		})
		tab := s.Table("t", 100)
		for i := range 20 {
			put(t, tab, fmt.Sprint(i), "x", time.Duration(i+1)*time.Second)
		}
		time.Sleep(10*time.Second + 500*time.Millisecond)
		synctest.Wait()
		if tab.Len() != 10 || len(removed) != 10 {
			t.Errorf("after 10 s %d keys left and %d removed, want 10 and 10", tab.Len(), len(removed))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		closeStore(t, s)
		s, err = Open(path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		if n := s.Table("t", 100).Len(); n != 10 {
			t.Errorf("%d keys on disk, want 10", n)
		}
		closeStore(t, s)
	})
}

// TestDamagedFile overwrites each part of a good file in turn, and cuts it short:
// the store opens every time, and either has all or starts empty.
func TestDamagedFile(t *testing.T) {
	h, dir := newHand(), t.TempDir()
	good := filepath.Join(dir, "good.db")
	s := open(t, good, h)
	for i := range 200 {
		put(t, s.Table("t", 1000), fmt.Sprint("key", i), "some value that fills pages", 0)
	}
	closeStore(t, s)
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < len(whole); from += 1024 {
		torn := append([]byte{}, whole...)
		for i := from; i < min(from+700, len(torn)); i++ {
			torn[i] = 0xA5
		}
		reopen(t, dir, torn, h, fmt.Sprint("spoiled at ", from))
	}
	for _, size := range []int{1, 100, 4096, 8192, 8193, len(whole) / 2, len(whole) - 4096} {
		reopen(t, dir, whole[:size], h, fmt.Sprint("cut to ", size))
	}
}

func reopen(t *testing.T, dir string, file []byte, h *hand, what string) {
	t.Helper()
	path := filepath.Join(dir, "torn.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := Open(path, h.now)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	tab := s.Table("t", 1000)
	if s.Damage() != "" {
		if _, err := os.Stat(path + ".damaged"); err != nil {
			t.Errorf("%s: damaged file was not put aside: %v", what, err)
		}
		if tab.Len() != 0 {
			t.Errorf("%s: %d keys out of a damaged file", what, tab.Len())
		}
	}
	put(t, tab, "new", "works", 0)
	closeStore(t, s)
}

func TestOpenTellsWhatIsNoDamage(t *testing.T) {
	path, h := filepath.Join(t.TempDir(), "none", "state.db"), newHand()
	if _, err := Open(path, h.now); err == nil {
		t.Error("opened a file in a folder that is not there")
	}
}

// TestModel holds the table against a map, with restarts in between.
func TestModel(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path, h := filepath.Join(dir, fmt.Sprint(n)), newHand()
		s, err := Open(path, h.now)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		tab, model := s.Table("t", 5), map[string]time.Time{}
		live := func(k string) bool {
			e, ok := model[k]
			return ok && (e.IsZero() || e.After(h.t))
		}
		key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		rt.Repeat(map[string]func(*rapid.T){
			"put": func(rt *rapid.T) {
				k, ttl := key.Draw(rt, "key"), time.Duration(rapid.IntRange(0, 5).Draw(rt, "ttl"))*time.Second
				count := 0
				for m := range model {
					if live(m) {
						count++
					}
				}
				err := tab.Put(k, []byte(k), ttl)
				if full := !live(k) && count >= 5; full != errors.Is(err, ErrFull) {
					rt.Fatalf("put %s: %v with %d live keys", k, err, count)
				}
				if err == nil {
					model[k] = time.Time{}
					if ttl > 0 {
						model[k] = h.t.Add(ttl)
					}
				}
			},
			"delete": func(rt *rapid.T) {
				k := key.Draw(rt, "key")
				tab.Delete(k)
				delete(model, k)
			},
			"time": func(rt *rapid.T) {
				h.t = h.t.Add(time.Duration(rapid.IntRange(1, 3).Draw(rt, "s")) * time.Second)
			},
			"restart": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = Open(path, h.now); err != nil {
					rt.Fatal(err)
				}
				tab = s.Table("t", 5)
			},
			"": func(rt *rapid.T) {
				for _, k := range []string{"a", "b", "c", "d", "e", "f", "g"} {
					if _, ok := tab.Get(k); ok != live(k) {
						rt.Fatalf("key %s there: %v, want %v", k, ok, live(k))
					}
				}
			},
		})
	})
}

// A group fills its share and no more, also of what was there before; who
// belongs to none is not bounded.
func TestShares(t *testing.T) {
	path, h := filepath.Join(t.TempDir(), "state.db"), newHand()
	s := open(t, path, h)
	put(t, s.Table("book", 100), "aa1", "x", time.Hour)
	closeStore(t, s)
	s = open(t, path, h)
	defer closeStore(t, s)
	tab := s.Table("book", 100)
	tab.Share(2, 2)
	put(t, tab, "aa2", "x", time.Minute)
	if err := tab.Put("aa3", []byte("x"), 0); !errors.Is(err, ErrShare) {
		t.Errorf("a third of a group: %v", err)
	}
	put(t, tab, "aa1", "again", time.Hour)
	for i := range 5 {
		put(t, tab, fmt.Sprintf("\x00\x00%d", i), "x", 0)
	}
	put(t, tab, "bb1", "x", 0)
	h.t = h.t.Add(2 * time.Minute)
	tab.expire(h.t)
	put(t, tab, "aa3", "x", 0) // the second has expired
	tab.Delete("aa1")
	put(t, tab, "aa4", "x", 0)
}

// What is in a hurry is on disk without the wait for a batch.
func TestHurry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.db")
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(path, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- s.Run(ctx) }()
		synctest.Wait()
		begin := time.Now()
		written := func(key string) bool {
			t.Helper()
			synctest.Wait()
			found := false
			if err := s.db.View(func(tx *bolt.Tx) error {
				b := tx.Bucket([]byte("contacts"))
				found = b != nil && b.Get([]byte(key)) != nil
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			return found
		}
		tab := s.Table("contacts", 10)
		put(t, tab, "slow", "1", time.Hour)
		if written("slow") {
			t.Error("a change is written by itself")
		}
		put(t, tab, "new", "2", time.Hour)
		tab.Hurry()
		if !written("new") || !written("slow") || !time.Now().Equal(begin) {
			t.Errorf("not written after %s", time.Since(begin))
		}
		stop()
		if err := errors.Join(<-done, s.Close()); err != nil {
			t.Error(err)
		}
	})
}
