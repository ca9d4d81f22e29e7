package trust

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// The stored and exported form of a keyring:
//
//	"SPK1" | 2 bytes count | count × ( 1 id | 32 secret | 8 made | 8 retired )
//
// newest first, times in Unix seconds, 0 for none.
const (
	keyMagic  = "SPK1"
	keyRecord = 1 + 32 + 8 + 8
)

var errKeys = errors.New("not a set of token keys")

// Keyring opens the keyring of this name below the trust directory and makes
// it, with one key, when there is none. Every change is on disk before it is
// used.
func (t *Trust) Keyring(name string, rand io.Reader) (*Keyring, error) {
	if name == "" || strings.ContainsAny(name, "/\\.") {
		return nil, fmt.Errorf("trust: %q cannot name a keyring", name)
	}
	file := name + ".keys"
	k := &Keyring{rand: rand, save: func(b []byte) error {
		t.mu.Lock()
		defer t.mu.Unlock()
		return t.writeFile(file, b)
	}}
	b, err := t.readFile(file)
	if err != nil {
		return nil, err
	}
	return k, k.load(b, t.clock())
}

func (k *Keyring) load(b []byte, now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if b == nil {
		key, err := freshKey(k.rand, nil, now)
		if err != nil {
			return err
		}
		return k.storeLocked([]*sealKey{key}, now)
	}
	keys, err := decodeKeys(b)
	if err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	k.set.Store(newKeyset(keys))
	return nil
}

// Export returns all keys, for the control channel. It is a secret: it must
// not be logged or leave the encrypted link.
func (k *Keyring) Export() []byte { return k.set.Load().encode() }

// Import takes over the keys that a peer exported: its sealing key becomes
// ours, and what sealed here so far is retired. Keys that the import lacks
// still open tokens for Retention. Importing the same set again changes
// nothing.
func (k *Keyring) Import(b []byte, now time.Time) error {
	in, err := decodeKeys(b)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	have := k.set.Load().keys
	merged := in
	for _, key := range have {
		if !contains(in, key) {
			merged = append(merged, key)
		}
	}
	if have[0].secret == merged[0].secret && len(merged) == len(have) {
		return nil
	}
	return k.storeLocked(merged, now)
}

func contains(keys []*sealKey, key *sealKey) bool {
	for _, k := range keys {
		if k.secret == key.secret && k.id == key.id {
			return true
		}
	}
	return false
}

func (s *keyset) encode() []byte {
	out := make([]byte, 0, len(keyMagic)+2+len(s.keys)*keyRecord)
	out = append(out, keyMagic...)
	out = binary.BigEndian.AppendUint16(out, uint16(len(s.keys)))
	for _, k := range s.keys {
		out = append(append(out, k.id), k.secret[:]...)
		out = binary.BigEndian.AppendUint64(out, unix(k.made))
		out = binary.BigEndian.AppendUint64(out, unix(k.retired))
	}
	return out
}

func decodeKeys(b []byte) ([]*sealKey, error) {
	rest, ok := bytes.CutPrefix(b, []byte(keyMagic))
	if !ok || len(rest) < 2 {
		return nil, errKeys
	}
	n := int(binary.BigEndian.Uint16(rest))
	rest = rest[2:]
	if n == 0 || n > maxKeys || len(rest) != n*keyRecord {
		return nil, errKeys
	}
	keys := make([]*sealKey, 0, n)
	for ; len(rest) > 0; rest = rest[keyRecord:] {
		made := fromUnix(binary.BigEndian.Uint64(rest[33:]))
		retired := fromUnix(binary.BigEndian.Uint64(rest[41:]))
		if len(keys) == 0 {
			retired = time.Time{} // the first seals
		}
		keys = append(keys, newSealKey(rest[0], [32]byte(rest[1:33]), made, retired))
	}
	return keys, nil
}

func unix(t time.Time) uint64 {
	if t.IsZero() {
		return 0
	}
	return uint64(t.Unix())
}

func fromUnix(s uint64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}
