package config

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// TestModel holds the store against a map of path to text, with history,
// restarts and rollbacks in between.
func TestModel(t *testing.T) {
	dir, n := t.TempDir(), 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path, opt := filepath.Join(dir, fmt.Sprint(n)), testOptions(newHand())
		s, err := Open(path, opt)
		if err != nil {
			rt.Fatal(err)
		}
		defer func() { s.Close() }()
		s.db.NoSync = true // no power is lost here
		model, past := map[string]string{}, []map[string]string{{}}
		commit := func(rt *rapid.T, next map[string]string, c *Commit, err error) {
			if err != nil {
				rt.Fatal(err)
			}
			if !maps.Equal(next, model) {
				model = next
				past = append(past, maps.Clone(next))
			}
			if c.Rev != len(past)-1 {
				rt.Fatalf("revision %d, want %d", c.Rev, len(past)-1)
			}
		}
		place := rapid.Custom(func(rt *rapid.T) string {
			i, j := rapid.IntRange(1, 3).Draw(rt, "i"), rapid.IntRange(1, 2).Draw(rt, "j")
			return rapid.SampledFrom([]string{
				"SystemUnit Name", fmt.Sprintf("Zones Policy SearchRules Rule %d Description", i),
				fmt.Sprintf("Zones Zone %d Neighbor Peer %d Address", i, j), fmt.Sprintf("Test Upstream %d Node %d Name", i, j),
			}).Draw(rt, "row")
		})
		text := rapid.SampledFrom([]string{"", "a", "b", "c.example"})
		rt.Repeat(map[string]func(*rapid.T){
			"set": func(rt *rapid.T) {
				next := maps.Clone(model)
				c, err := s.Edit(alice, func(e *Edit) error {
					for range rapid.IntRange(0, 4).Draw(rt, "n") {
						p, v := place.Draw(rt, "place"), text.Draw(rt, "value")
						if err := e.Set(p, v); err != nil {
							return err
						}
						next[p] = v
						if v == "" {
							delete(next, p)
						}
					}
					return nil
				})
				commit(rt, next, c, err)
			},
			"delete": func(rt *rapid.T) {
				next, prefix := maps.Clone(model), fmt.Sprintf("Zones Zone %d", rapid.IntRange(1, 3).Draw(rt, "i"))
				c, err := s.Edit(alice, func(e *Edit) error { return e.DeleteTree(prefix) })
				maps.DeleteFunc(next, func(p, _ string) bool { return len(p) > len(prefix) && p[:len(prefix)] == prefix })
				commit(rt, next, c, err)
			},
			"rollback": func(rt *rapid.T) {
				rev := rapid.IntRange(0, len(past)-1).Draw(rt, "rev")
				c, err := s.Rollback(rev, bob)
				commit(rt, maps.Clone(past[rev]), c, err)
			},
			"restart": func(rt *rapid.T) {
				if err := s.Close(); err != nil {
					rt.Fatal(err)
				}
				if s, err = Open(path, opt); err != nil {
					rt.Fatal(err)
				}
				s.db.NoSync = true
			},
			"": func(rt *rapid.T) {
				have := map[string]string{}
				for _, v := range s.Snapshot().Values() {
					have[v.Place.String()] = v.Text
				}
				if !maps.Equal(have, model) {
					rt.Fatalf("store %v, model %v", have, model)
				}
				checkDiff(rt, s, past)
			},
		})
	})
}

func checkDiff(rt *rapid.T, s *Store, past []map[string]string) {
	a, b := rapid.IntRange(0, len(past)-1).Draw(rt, "a"), rapid.IntRange(0, len(past)-1).Draw(rt, "b")
	diff, err := s.Diff(a, b)
	if err != nil {
		rt.Fatal(err)
	}
	var have, want []string
	for _, c := range diff {
		have = append(have, c.Path)
		if past[a][c.Path] != c.Before || past[b][c.Path] != c.After {
			rt.Fatalf("diff %d..%d: %+v", a, b, c)
		}
	}
	for p := range past[a] {
		if past[a][p] != past[b][p] {
			want = append(want, p)
		}
	}
	for p := range past[b] {
		if _, both := past[a][p]; !both {
			want = append(want, p)
		}
	}
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		rt.Fatalf("diff %d..%d names %v, want %v", a, b, have, want)
	}
}
