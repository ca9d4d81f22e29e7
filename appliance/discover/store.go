package discover

import (
	"encoding/json"
	"strings"
	"time"

	"sallyport/appliance/state"
	"sallyport/appliance/uc"
)

// Limits of what is kept: clusters with their keys, and their servers.
const (
	maxSources = 200
	tableSize  = 2*maxSources + 2*MaxNodes
)

// store keeps what was found over a restart. A cluster and each of its servers
// are a record each, since a record has a limit.
type store struct {
	table *state.Table
	seal  func(plain []byte) string // for token keys, which must not lie open on the disk
	open  func(token string) ([]byte, error)
}

const (
	prefixCluster = "cluster "
	prefixNode    = "node "
	prefixKeys    = "keys "
)

// save replaces what is kept of a cluster.
func (s store) save(key string, f *Found, keys *uc.TokenKey) error {
	s.drop(key)
	for _, n := range f.Nodes {
		if err := s.put(prefixNode+key+" "+n.Host, n); err != nil {
			return err
		}
	}
	if keys != nil {
		plain, err := json.Marshal(keys)
		if err != nil {
			return err
		}
		if err := s.table.Put(prefixKeys+key, []byte(s.seal(plain)), 0); err != nil {
			return err
		}
	}
	return s.put(prefixCluster+key, f)
}

func (s store) put(key string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.table.Put(key, b, 0)
}

// drop forgets a cluster.
func (s store) drop(key string) {
	s.table.Delete(prefixCluster + key)
	s.table.Delete(prefixKeys + key)
	s.table.Range(func(k string, _ []byte, _ time.Time) bool {
		if strings.HasPrefix(k, prefixNode+key+" ") {
			s.table.Delete(k)
		}
		return true
	})
}

// load reads all that is kept. What cannot be read any more is as good as
// never found: the next refresh brings it.
func (s store) load() (found map[string]*Found, keys map[string]uc.TokenKey) {
	found, keys = map[string]*Found{}, map[string]uc.TokenKey{}
	s.table.Range(func(k string, v []byte, _ time.Time) bool {
		if key, ok := strings.CutPrefix(k, prefixCluster); ok {
			var f Found
			if json.Unmarshal(v, &f) == nil {
				found[key] = &f
			}
		}
		if key, ok := strings.CutPrefix(k, prefixKeys); ok {
			var t uc.TokenKey
			if plain, err := s.open(string(v)); err == nil && json.Unmarshal(plain, &t) == nil {
				keys[key] = t
			}
		}
		return true
	})
	s.table.Range(func(k string, v []byte, _ time.Time) bool {
		rest, ok := strings.CutPrefix(k, prefixNode)
		i := strings.LastIndexByte(rest, ' ')
		if !ok || i < 0 {
			return true
		}
		var n Node
		if f := found[rest[:i]]; f != nil && json.Unmarshal(v, &n) == nil {
			f.Nodes = append(f.Nodes, n)
		}
		return true
	})
	for _, f := range found {
		f.sort()
	}
	return found, keys
}
