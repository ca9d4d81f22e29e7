package trust

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A sealed token is base64url of
//
//	1 byte key id | 12 bytes nonce | ciphertext | 16 bytes tag
//
// AES-128-GCM, with purpose and zone as authenticated data. The nonce is a
// keyed hash of purpose, zone and plaintext (as in SIV): it can repeat only
// where the whole token repeats, so no counter has to survive a restart and
// no random source can break it. The same content always gives the same
// token, which a registrar needs: a Contact that changed with every refresh
// would be a new binding each time.
const (
	nonceSize = 12
	tagSize   = 16
	overhead  = 1 + nonceSize + tagSize
	maxSealed = 2048 // bytes of a token's plaintext, far above any use
	maxKeys   = 256

	// Retention is how long a retired key still opens tokens.
	Retention = 30 * 24 * time.Hour
)

// ErrToken is the one answer to a token that does not open: wrong key, wrong
// purpose, wrong zone, damaged or forged.
var ErrToken = errors.New("token does not open")

// Keyring seals and opens tokens. All methods may be called from any
// goroutine; Seal and Open take no lock.
type Keyring struct {
	rand io.Reader
	save func([]byte) error // nil: memory only

	mu  sync.Mutex // serialises changes
	set atomic.Pointer[keyset]
}

// keyset is immutable.
type keyset struct {
	keys []*sealKey // newest first; keys[0] seals
	byID [256][]*sealKey
}

// sealKey is one key with its ciphers made once.
type sealKey struct {
	id      byte
	secret  [32]byte  // 16 bytes AEAD, 16 bytes nonce derivation
	made    time.Time // whole seconds, UTC
	retired time.Time // zero while it seals

	aead cipher.AEAD
	work sync.Pool // of *workspace
}

// workspace spares Seal and Open their garbage.
type workspace struct {
	mac           hash.Hash
	sum           [sha256.Size]byte
	ad, raw, text []byte
}

// NewKeyring returns a keyring in memory with one fresh key. It panics when
// rand fails, since nothing safe could follow.
func NewKeyring(rand io.Reader) *Keyring {
	k := &Keyring{rand: rand}
	key, err := freshKey(rand, nil, time.Time{})
	if err != nil {
		panic("trust: " + err.Error())
	}
	k.set.Store(newKeyset([]*sealKey{key}))
	return k
}

// Seal returns plain as a token that opens only for the same purpose and zone.
// plain is at most 2 KiB and zone at most 255 bytes; more is a programming
// error and panics.
func (k *Keyring) Seal(purpose byte, zone string, plain []byte) string {
	if len(plain) > maxSealed || len(zone) > 255 {
		panic("trust: token content is too large")
	}
	key := k.set.Load().keys[0]
	s := key.work.Get().(*workspace)
	defer key.work.Put(s)
	s.ad = appendAD(s.ad[:0], purpose, zone)
	s.raw = key.appendNonce(append(s.raw[:0], key.id), s, plain)
	s.raw = key.aead.Seal(s.raw, s.raw[1:1+nonceSize], plain, s.ad)
	s.text = tokenText.AppendEncode(s.text[:0], s.raw)
	return string(s.text)
}

// Sealing stands for the key that seals: as long as it is equal to what it was,
// Seal gives the same token for the same content.
func (k *Keyring) Sealing() any { return k.set.Load().keys[0] }

// Open returns what a token holds, or ErrToken.
func (k *Keyring) Open(purpose byte, zone string, token string) ([]byte, error) {
	if len(zone) > 255 || len(token) > base64.RawURLEncoding.EncodedLen(maxSealed+overhead) {
		return nil, ErrToken
	}
	set := k.set.Load()
	s := set.keys[0].work.Get().(*workspace)
	defer set.keys[0].work.Put(s)
	var err error
	s.text = append(s.text[:0], token...)
	if s.raw, err = tokenText.AppendDecode(s.raw[:0], s.text); err != nil || len(s.raw) < overhead ||
		tokenText.EncodedLen(len(s.raw)) != len(token) { // the decoder skips line ends
		return nil, ErrToken
	}
	s.ad = appendAD(s.ad[:0], purpose, zone)
	for _, key := range set.byID[s.raw[0]] {
		if plain, err := key.aead.Open(nil, s.raw[1:1+nonceSize], s.raw[1+nonceSize:], s.ad); err == nil {
			return plain, nil
		}
	}
	return nil, ErrToken
}

// tokenText refuses a second spelling of the same bytes.
var tokenText = base64.RawURLEncoding.Strict()

// Rotate makes a new key the sealing one. The former keeps opening tokens for
// Retention; keys that have been retired for longer are forgotten.
func (k *Keyring) Rotate(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	keys := k.set.Load().keys
	fresh, err := freshKey(k.rand, keys, now)
	if err != nil {
		return err
	}
	return k.storeLocked(append([]*sealKey{fresh}, keys...), now)
}

// Prune forgets keys that were retired longer than Retention ago.
func (k *Keyring) Prune(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.storeLocked(k.set.Load().keys, now)
}

// Made says when the sealing key was made, for whoever decides on rotation.
// It is zero for the first key of a keyring in memory.
func (k *Keyring) Made() time.Time { return k.set.Load().keys[0].made }

// storeLocked retires all but the first key, forgets old ones, saves and makes
// the result live, in this order: a token is never sealed with a key that a
// power cut could lose.
func (k *Keyring) storeLocked(keys []*sealKey, now time.Time) error {
	kept := keys[:1:1]
	for _, key := range keys[1:] {
		if key.retired.IsZero() {
			key = key.copy()
			key.retired = now.UTC().Truncate(time.Second)
		}
		if now.Sub(key.retired) <= Retention {
			kept = append(kept, key)
		}
	}
	if len(kept) > maxKeys {
		kept = kept[:maxKeys]
	}
	set := newKeyset(kept)
	if k.save != nil {
		if err := k.save(set.encode()); err != nil {
			return err
		}
	}
	k.set.Store(set)
	return nil
}

func newKeyset(keys []*sealKey) *keyset {
	s := &keyset{keys: keys}
	for _, key := range keys {
		s.byID[key.id] = append(s.byID[key.id], key)
	}
	return s
}

// freshKey takes an id that no key in use has, if there is one left.
func freshKey(rand io.Reader, in []*sealKey, now time.Time) (*sealKey, error) {
	var b [33]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return nil, fmt.Errorf("token key: %w", err)
	}
	id := b[32]
	for range 256 {
		if !slices.ContainsFunc(in, func(k *sealKey) bool { return k.id == id }) {
			break
		}
		id++
	}
	return newSealKey(id, [32]byte(b[:32]), now.UTC().Truncate(time.Second), time.Time{}), nil
}

func newSealKey(id byte, secret [32]byte, made, retired time.Time) *sealKey {
	block, err := aes.NewCipher(secret[:16])
	if err != nil {
		panic("trust: " + err.Error()) // 16 bytes are always a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic("trust: " + err.Error())
	}
	key := &sealKey{id: id, secret: secret, made: made, retired: retired, aead: aead}
	key.work.New = func() any { return &workspace{mac: hmac.New(sha256.New, key.secret[16:])} }
	return key
}

func (key *sealKey) copy() *sealKey { return newSealKey(key.id, key.secret, key.made, key.retired) }

// appendNonce hashes what the token says and whom it is for; the second byte of
// the latter tells where it ends.
func (key *sealKey) appendNonce(dst []byte, s *workspace, plain []byte) []byte {
	s.mac.Reset()
	s.mac.Write(s.ad)
	s.mac.Write(plain)
	return append(dst, s.mac.Sum(s.sum[:0])[:nonceSize]...)
}

func appendAD(dst []byte, purpose byte, zone string) []byte {
	return append(append(dst, purpose, byte(len(zone))), zone...)
}
