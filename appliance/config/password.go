package config

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// Cost of a hash: OWASP's choice for argon2id where memory is scarce. It is
// written into each hash, so that it can be raised later.
const (
	hashMemory  = 19 * 1024 // KiB
	hashTime    = 2
	hashThreads = 1
	hashSalt    = 16
	hashSize    = 32
)

// Bounds of a hash that is taken from outside: a login must not be made to cost
// gigabytes.
const (
	maxHashMemory = 64 * 1024
	maxHashTime   = 8
	maxHashLen    = 256
)

const hashPrefix = "$argon2id$"

// HashPassword returns the argon2id hash of a password in its usual text form.
func HashPassword(password string, rand io.Reader) (string, error) {
	salt := make([]byte, hashSalt)
	if _, err := io.ReadFull(rand, salt); err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	h := hash{hashMemory, hashTime, hashThreads, salt, nil}
	h.sum = h.of(password, hashSize)
	return h.String(), nil
}

// VerifyPassword reports whether password is the one that was hashed. For an
// empty or malformed hash it does the same work and says no, so that the time
// does not tell whether an account exists.
func VerifyPassword(hashed, password string) bool {
	h, ok := parseHash(hashed)
	if !ok {
		h = hash{hashMemory, hashTime, hashThreads, make([]byte, hashSalt), make([]byte, hashSize)}
	}
	same := subtle.ConstantTimeCompare(h.of(password, len(h.sum)), h.sum) == 1
	return ok && same
}

func isHash(text string) bool {
	_, ok := parseHash(text)
	return ok
}

type hash struct {
	memory, time uint32
	threads      uint8
	salt, sum    []byte
}

func (h hash) of(password string, size int) []byte {
	return argon2.IDKey([]byte(password), h.salt, h.time, h.memory, h.threads, uint32(size))
}

func (h hash) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("%sv=%d$m=%d,t=%d,p=%d$%s$%s", hashPrefix, argon2.Version, h.memory, h.time, h.threads, b64(h.salt), b64(h.sum))
}

func parseHash(text string) (h hash, ok bool) {
	if len(text) > maxHashLen || !strings.HasPrefix(text, hashPrefix) {
		return h, false
	}
	part := strings.Split(text[len(hashPrefix):], "$")
	if len(part) != 4 || part[0] != fmt.Sprintf("v=%d", argon2.Version) {
		return h, false
	}
	if _, err := fmt.Sscanf(part[1], "m=%d,t=%d,p=%d", &h.memory, &h.time, &h.threads); err != nil {
		return h, false
	}
	var err1, err2 error
	h.salt, err1 = base64.RawStdEncoding.Strict().DecodeString(part[2])
	h.sum, err2 = base64.RawStdEncoding.Strict().DecodeString(part[3])
	bounded := h.memory >= 8 && h.memory <= maxHashMemory && h.time >= 1 && h.time <= maxHashTime && h.threads == 1
	return h, err1 == nil && err2 == nil && bounded && len(h.salt) >= 8 && len(h.sum) >= 16 && len(h.sum) <= 64
}
