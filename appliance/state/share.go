package state

// shares count the keys of each group: those that begin with the same size
// bytes. The table locks them.
type shares struct {
	size int // 0: no groups
	most int
	held map[string]int
}

// Share bounds how many keys may begin with the same size bytes, so that what
// one user causes cannot take the room of all. Keys shorter than that, and those
// whose first size bytes are zero, belong to no group. It is called before use.
func (t *Table) Share(size, most int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shares = shares{size: size, most: most, held: map[string]int{}}
	for key := range t.rows {
		t.shares.add(key, 1)
	}
}

// group is what a key counts for, "" if for nothing.
func (s *shares) group(key string) string {
	if s.size == 0 || len(key) < s.size {
		return ""
	}
	for i := range s.size {
		if key[i] != 0 {
			return key[:s.size]
		}
	}
	return ""
}

// room tells whether a new key may come.
func (s *shares) room(key string) bool {
	g := s.group(key)
	return g == "" || s.held[g] < s.most
}

func (s *shares) add(key string, n int) {
	g := s.group(key)
	if g == "" {
		return
	}
	if s.held[g] += n; s.held[g] <= 0 {
		delete(s.held, g)
	}
}
