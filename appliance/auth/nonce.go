package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"strconv"
	"sync"
	"time"
)

// NonceLimits are the SIP Authentication Digest Nonce settings.
type NonceLimits struct {
	Expire time.Duration // how long a nonce may be used
	Length int           // characters
	Limit  int           // nonces in use whose counts are remembered
	Uses   int           // of one nonce
}

// Nonces makes edge's nonces and remembers how often each was used. A nonce
// proves by itself when it was made and that it was made here, so strangers who
// ask for challenges cost no memory: only a nonce that came back with a right
// answer is remembered. All methods may be called from any goroutine.
type Nonces struct {
	clock func() time.Time
	rand  io.Reader
	key   [32]byte

	mu     sync.Mutex
	limits NonceLimits
	used   map[string]*nonceUse
	oldest []string  // keys of used in the order in which they came
	floor  time.Time // what was made until then and is not in used was forgotten
}

// nonceUse is how a nonce was used.
type nonceUse struct {
	made time.Time
	uses int
	high uint64          // highest count
	seen [maxSeen]uint64 // counts just below it, one bit each
}

// maxSeen words of bits cover the most uses that can be configured.
const maxSeen = 1024 / 64

// NewNonces reads its key from rand.
func NewNonces(clock func() time.Time, rand io.Reader) (*Nonces, error) {
	n := &Nonces{clock: clock, rand: rand, used: map[string]*nonceUse{}}
	_, err := io.ReadFull(rand, n.key[:])
	return n, err
}

// Apply sets the limits; nonces given out keep to the new ones.
func (n *Nonces) Apply(l NonceLimits) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.limits = l
	n.makeRoomLocked(l.Limit)
}

// A nonce is 32 characters that prove it, and random ones up to its length.
const (
	nonceHead = 24 // bytes: 5 of time, 7 random, 12 of proof
	nonceText = 32 // … in base64
)

var nonceCoding = base64.RawURLEncoding

// New makes a nonce for a realm.
func (n *Nonces) New(realm string) (string, error) {
	n.mu.Lock()
	length := max(n.limits.Length, nonceText)
	n.mu.Unlock()
	random := make([]byte, length)
	if _, err := io.ReadFull(n.rand, random); err != nil {
		return "", err
	}
	tail := nonceCoding.EncodeToString(random)[:length-nonceText]
	head := make([]byte, 12, nonceHead)
	var now [8]byte
	binary.BigEndian.PutUint64(now[:], uint64(n.clock().Unix()))
	copy(head, now[3:])
	copy(head[5:], random)
	head = append(head, n.proof(head, realm, tail)...)
	return nonceCoding.EncodeToString(head) + tail, nil
}

func (n *Nonces) proof(head []byte, realm, tail string) []byte {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(head)
	io.WriteString(mac, strconv.Quote(realm)+tail)
	return mac.Sum(nil)[:nonceHead-12]
}

// Fresh tells whether a nonce was made here for the realm and may still be used.
func (n *Nonces) Fresh(realm, nonce string) bool {
	made, ok := n.made(realm, nonce)
	n.mu.Lock()
	defer n.mu.Unlock()
	return ok && n.liveLocked(nonce, made)
}

func (n *Nonces) liveLocked(nonce string, made time.Time) bool {
	_, known := n.used[nonce]
	return n.clock().Before(made.Add(n.limits.Expire)) && (known || made.After(n.floor))
}

func (n *Nonces) made(realm, nonce string) (time.Time, bool) {
	if len(nonce) < nonceText || len(nonce) > 1024 {
		return time.Time{}, false
	}
	head, err := nonceCoding.DecodeString(nonce[:nonceText])
	if err != nil || !hmac.Equal(head[12:], n.proof(head[:12], realm, nonce[nonceText:])) {
		return time.Time{}, false
	}
	var b [8]byte
	copy(b[3:], head[:5])
	return time.Unix(int64(binary.BigEndian.Uint64(b[:])), 0), true
}

// Use notes that a nonce was used with a count, which must be new, "" for a
// client that does not count: then once. False: the nonce is stale. It is asked
// when the answer is right.
func (n *Nonces) Use(realm, nonce, count string) bool {
	nc := uint64(1)
	if c, err := strconv.ParseUint(count, 16, 32); err == nil {
		nc = c
	}
	made, ok := n.made(realm, nonce)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !ok || !n.liveLocked(nonce, made) {
		return false
	}
	u := n.used[nonce]
	if u == nil {
		n.makeRoomLocked(n.limits.Limit - 1)
		u = &nonceUse{made: made}
		n.used[nonce] = u
		n.oldest = append(n.oldest, nonce)
	}
	if u.uses >= n.limits.Uses || !u.take(nc) {
		return false
	}
	u.uses++
	return true
}

// makeRoomLocked forgets what cannot be used any more, and then the oldest
// until at most limit are left. A client whose live nonce is forgotten is
// challenged once more; without its counts it could be replayed.
func (n *Nonces) makeRoomLocked(limit int) {
	now := n.clock()
	for len(n.oldest) > 0 {
		u := n.used[n.oldest[0]]
		if live := now.Before(u.made.Add(n.limits.Expire)); live && len(n.used) <= limit {
			return
		}
		if u.made.After(n.floor) {
			n.floor = u.made
		}
		delete(n.used, n.oldest[0])
		n.oldest = n.oldest[1:]
	}
}

// take notes a count, and refuses one that was seen or is too old to tell.
func (u *nonceUse) take(nc uint64) bool {
	const window = maxSeen * 64
	if nc > u.high {
		if nc-u.high >= window {
			clear(u.seen[:])
		} else {
			for c := u.high + 1; c <= nc; c++ {
				u.seen[c/64%maxSeen] &^= 1 << (c % 64)
			}
		}
		u.high = nc
	} else if u.high-nc >= window {
		return false
	}
	word, bit := &u.seen[nc/64%maxSeen], uint64(1)<<(nc%64)
	if *word&bit != 0 {
		return false
	}
	*word |= bit
	return true
}
