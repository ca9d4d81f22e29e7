package httpproxy

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/state"
)

// Session is a login that holds.
type Session struct {
	User       string    // as the user's home cluster spells it
	Domain     string    // that the user signed in for, lower case
	Deployment int       // that encloses the domain
	Home       string    // a node of the home cluster
	Presence   []string  // the user's IM and Presence nodes, best first
	Lines      []string  // the user's directory numbers
	Begun      time.Time // when the credentials were checked
}

// record is a session as it is kept. The cookie itself is not: whoever reads
// the file can neither use nor guess it, nor the password behind the proof.
type record struct {
	Session
	As     string // what the client calls the user
	Proof  []byte `json:",omitempty"` // of the password; none where a token was shown
	Bearer bool   `json:",omitempty"`
}

// Bounds of what logins may grow.
const (
	maxSessions     = 50_000
	maxUserSessions = 32
	maxWrong        = 10 // wrong credentials with a right cookie, before the login ends
)

// sessions are the logins of a core, kept over a restart.
type sessions struct {
	clock func() time.Time
	table *state.Table

	mu    sync.Mutex
	users map[string][]*held
	count int
	total int
	most  int
	swept time.Time
}

// held is a session's place in the list of its user.
type held struct {
	key   string
	begun time.Time
	wrong int
	told  bool // whoever asked to be told of logins was
}

func newSessions(store *state.Store, clock func() time.Time) *sessions {
	s := &sessions{clock: clock, table: store.Table("logins", maxSessions), users: map[string][]*held{}}
	s.table.Range(func(key string, v []byte, _ time.Time) bool {
		if r, ok := unpack(v); ok {
			s.addLocked(r.owner(), &held{key: key, begun: r.Begun}) // nobody else knows s yet
		}
		return true
	})
	s.total = 0
	return s
}

func unpack(v []byte) (r record, ok bool) { return r, json.Unmarshal(v, &r) == nil }

func (r *record) owner() string { return ownerOf(r.Deployment, r.User) }

func ownerOf(deployment int, user string) string {
	return Key(deployment) + "\x00" + strings.ToLower(user)
}

func keyOf(cookie string) string {
	sum := sha256.Sum256([]byte(cookie))
	return hex.EncodeToString(sum[:])
}

// proofOf binds a password to a cookie: without the cookie nothing can be tried
// on it.
func proofOf(cookie, password string) []byte {
	m := hmac.New(sha256.New, []byte(cookie))
	m.Write([]byte(password))
	return m.Sum(nil)
}

// begin keeps a login for at most life and returns its cookie.
func (s *sessions) begin(r record, password string, core uint64, life time.Duration) (cookie string, err error) {
	cookie = newCookie(core, func(b []byte) { rand.Read(b) })
	if !r.Bearer {
		r.Proof = proofOf(cookie, password)
	}
	v, err := json.Marshal(r)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sweepLocked(life)
	if err := s.table.Put(keyOf(cookie), v, life); err != nil {
		return "", err
	}
	s.addLocked(r.owner(), &held{key: keyOf(cookie), begun: r.Begun})
	for list := s.users[r.owner()]; len(list) > maxUserSessions; list = s.users[r.owner()] {
		s.endLocked(r.owner(), slices.MinFunc(list, func(a, b *held) int { return a.begun.Compare(b.begun) }).key)
	}
	return cookie, nil
}

func (s *sessions) addLocked(owner string, h *held) {
	s.users[owner] = append(s.users[owner], h)
	s.count++
	s.total++
	s.most = max(s.most, s.count)
}

// find is the login that a cookie stands for, if it is not older than life.
func (s *sessions) find(cookie string, life time.Duration) (record, bool) {
	v, ok := s.table.Get(keyOf(cookie))
	if !ok {
		return record{}, false
	}
	r, ok := unpack(v)
	return r, ok && s.clock().Before(r.Begun.Add(life))
}

// newest is the youngest login of a user, if one is not older than life.
func (s *sessions) newest(deployment int, user string, life time.Duration) (record, bool) {
	s.mu.Lock()
	list := slices.Clone(s.users[ownerOf(deployment, user)])
	s.mu.Unlock()
	slices.SortFunc(list, func(a, b *held) int { return cmp.Or(b.begun.Compare(a.begun), strings.Compare(a.key, b.key)) })
	for _, h := range list {
		if v, ok := s.table.Get(h.key); ok {
			if r, ok := unpack(v); ok && s.clock().Before(r.Begun.Add(life)) {
				return r, true
			}
		}
	}
	return record{}, false
}

// end forgets a login.
func (s *sessions) end(r record, cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(r.owner(), keyOf(cookie))
}

func (s *sessions) endLocked(owner, key string) {
	s.table.Delete(key)
	before := len(s.users[owner])
	list := slices.DeleteFunc(s.users[owner], func(h *held) bool { return h.key == key })
	s.count -= before - len(list)
	if len(list) == 0 {
		delete(s.users, owner)
		return
	}
	s.users[owner] = list
}

// wrong counts wrong credentials that came with a right cookie; after too many
// the login is over, so that a stolen cookie is no way to guess.
func (s *sessions) wrong(r record, cookie string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.users[r.owner()] {
		if h.key != keyOf(cookie) {
			continue
		}
		if h.wrong++; h.wrong >= maxWrong {
			s.endLocked(r.owner(), h.key)
		}
		return
	}
}

// tell reports whether a login is still to be told of, once.
func (s *sessions) tell(r record, cookie string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.users[r.owner()] {
		if h.key == keyOf(cookie) {
			first := !h.told
			h.told = true
			return first
		}
	}
	return false
}

// sweepEvery is how often what is over is looked for.
const sweepEvery = time.Minute

func (s *sessions) sweepLocked(life time.Duration) {
	now := s.clock()
	if now.Sub(s.swept) < sweepEvery {
		return
	}
	s.swept = now
	for owner, list := range s.users {
		for _, h := range slices.Clone(list) {
			if !now.Before(h.begun.Add(life)) {
				s.endLocked(owner, h.key)
			}
		}
	}
}

// counts are the logins now, the most at once and all since the start.
func (s *sessions) counts(life time.Duration) (now, most, total int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.swept = time.Time{}
	s.sweepLocked(life)
	return s.count, s.most, s.total
}
