package config

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"
)

// tokenPrefix marks a sealed secret, as in the replaced product's dumps.
const tokenPrefix = "{cipher}"

func isToken(value string) bool { return strings.HasPrefix(value, tokenPrefix) }

// ForeignSecretError is a sealed secret that this box cannot open.
type ForeignSecretError struct{ Path string }

func (e *ForeignSecretError) Error() string {
	return e.Path + ": the password was sealed by another box; type it anew"
}

var (
	errNoSealKey = errors.New("this store was opened without a key for passwords")
	errNotOurs   = errors.New("sealed with another key or for another row")
)

// sealer seals secrets with AES-256-GCM. The row's path is authenticated, so
// that a token of one row is worthless in another.
type sealer struct {
	aead  cipher.AEAD // nil = no key
	rand  io.Reader
	older *sealer // opens what this one does not; nil = nobody
}

// minSealKey is the least entropy that is taken for a key.
const minSealKey = 16

func newSealer(key []byte, rand io.Reader) (*sealer, error) {
	if len(key) == 0 {
		return &sealer{rand: rand}, nil
	}
	if len(key) < minSealKey {
		return nil, fmt.Errorf("the key for passwords has %d bytes; it needs %d", len(key), minSealKey)
	}
	derived, err := hkdf.Key(sha256.New, key, nil, "sallyport configuration secrets", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	return &sealer{aead: aead, rand: rand}, err
}

func (s *sealer) seal(path, plain string) (string, error) {
	if s.aead == nil {
		return "", errNoSealKey
	}
	nonce := make([]byte, s.aead.NonceSize())
	if _, err := io.ReadFull(s.rand, nonce); err != nil {
		return "", fmt.Errorf("seal %s: %w", path, err)
	}
	sealed := s.aead.Seal(nonce, nonce, []byte(plain), []byte(path))
	return tokenPrefix + base64.RawURLEncoding.EncodeToString(sealed), nil
}

func (s *sealer) open(path, token string) (string, error) {
	if s.aead == nil {
		return "", errNoSealKey
	}
	body, ok := strings.CutPrefix(token, tokenPrefix)
	sealed, err := base64.RawURLEncoding.DecodeString(body)
	n := s.aead.NonceSize()
	if !ok || err != nil || len(sealed) < n {
		return "", errNotOurs
	}
	plain, err := s.aead.Open(nil, sealed[:n], sealed[n:], []byte(path))
	if err != nil && s.older != nil {
		return s.older.open(path, token)
	}
	if err != nil {
		return "", errNotOurs
	}
	return string(plain), nil
}
