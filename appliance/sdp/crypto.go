package sdp

import (
	"encoding/base64"
	"math/bits"
	"strconv"
	"strings"
)

// Suite is a crypto suite of SDES, by its registered name.
type Suite string

const (
	AES128SHA1_80 Suite = "AES_CM_128_HMAC_SHA1_80"
	AES128SHA1_32 Suite = "AES_CM_128_HMAC_SHA1_32"
	AES128GCM     Suite = "AEAD_AES_128_GCM"
	AES256GCM     Suite = "AEAD_AES_256_GCM"
)

// Suites lists those that we speak, best first.
func Suites() []Suite { return []Suite{AES256GCM, AES128GCM, AES128SHA1_80, AES128SHA1_32} }

// Lengths of master key and salt in bytes (RFC 4568, RFC 7714); zero for a
// suite that we do not speak.
func (s Suite) Lengths() (key, salt int) {
	switch s {
	case AES128SHA1_80, AES128SHA1_32:
		return 16, 14
	case AES128GCM:
		return 16, 12
	case AES256GCM:
		return 32, 12
	}
	return 0, 0
}

// GCM reports whether the suite is one of RFC 7714.
func (s Suite) GCM() bool { return s == AES128GCM || s == AES256GCM }

// StripGCM takes the crypto lines of GCM suites out of every section.
func (b *Body) StripGCM() {
	for _, s := range b.sections() {
		s.removeIf(func(l line) bool {
			name, value := l.attr()
			f := words(value)
			return name == "crypto" && len(f) > 1 && Suite(f[1]).GCM()
		})
	}
}

// Known reports whether we speak the suite.
func (s Suite) Known() bool { k, _ := s.Lengths(); return k > 0 }

// Key is one inline key of a crypto line. Its text form is never logged.
type Key struct {
	Master []byte // master key and salt, joined
	MKI    []byte // master key identifier, nil if none is used
}

// Crypto is one a=crypto line, read.
type Crypto struct {
	Tag    int
	Suite  Suite
	Keys   []Key
	Params []string // session parameters as spelled
}

// Usable reports whether we can take part: a suite that we speak, keys of its
// length, and no session parameter that changes the packets.
func (c Crypto) Usable() bool {
	key, salt := c.Suite.Lengths()
	if key == 0 || len(c.Keys) == 0 {
		return false
	}
	for _, k := range c.Keys {
		if len(k.Master) != key+salt || len(k.MKI) != len(c.Keys[0].MKI) {
			return false
		}
	}
	if len(c.Keys) > 1 && len(c.Keys[0].MKI) == 0 {
		return false
	}
	for _, p := range c.Params {
		if !strings.HasPrefix(p, "WSH=") && !strings.HasPrefix(p, "-") {
			return false
		}
	}
	return true
}

// Bounds of a crypto line: a real one has one key, seldom two.
const (
	maxCrypto = 16
	maxKeys   = 4
	maxMKI    = 128
)

// Crypto reads the section's a=crypto lines, in order. Lines that are not
// well formed are left out, because another line may do.
func (s *Section) Crypto() []Crypto {
	var all []Crypto
	for _, v := range s.Attrs("crypto") {
		if c, ok := parseCrypto(v); ok && len(all) < maxCrypto {
			all = append(all, c)
		}
	}
	return all
}

// KeepCrypto takes out the crypto lines that keep does not want, and those that
// are not well formed; the others stay as they are.
func (s *Section) KeepCrypto(keep func(Crypto) bool) {
	s.removeIf(func(l line) bool {
		name, v := l.attr()
		if name != "crypto" {
			return false
		}
		c, ok := parseCrypto(v)
		return !ok || !keep(c)
	})
}

// parseCrypto reads "1 AES_CM_128_HMAC_SHA1_80 inline:… [params]".
func parseCrypto(v string) (Crypto, bool) {
	f := words(v)
	if len(f) < 3 || len(f[0]) > 9 {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 32)
	if err != nil {
		return Crypto{}, false
	}
	c := Crypto{Tag: int(tag), Suite: Suite(f[1]), Params: f[3:]}
	for _, k := range strings.Split(f[2], ";") {
		key, ok := parseKey(k)
		if !ok || len(c.Keys) == maxKeys {
			return Crypto{}, false
		}
		c.Keys = append(c.Keys, key)
	}
	return c, true
}

// parseKey reads "inline:base64[|lifetime][|mki:length]". The lifetime is an
// upper bound that no call of ours reaches, so it is checked for form only.
func parseKey(v string) (Key, bool) {
	v, ok := strings.CutPrefix(v, "inline:")
	if !ok {
		return Key{}, false
	}
	f := strings.Split(v, "|")
	master, err := base64.StdEncoding.DecodeString(f[0])
	if err != nil {
		master, err = base64.RawStdEncoding.DecodeString(f[0])
	}
	if err != nil || len(f) > 3 {
		return Key{}, false
	}
	k := Key{Master: master}
	for i, part := range f[1:] {
		id, length, isMKI := strings.Cut(part, ":")
		switch {
		case isMKI && k.MKI == nil && i == len(f)-2:
			if k.MKI, ok = parseMKI(id, length); !ok {
				return Key{}, false
			}
		case isMKI || i > 0 || !validLifetime(part):
			return Key{}, false
		}
	}
	return k, true
}

func validLifetime(s string) bool {
	s = strings.TrimPrefix(s, "2^")
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n > 0
}

// parseMKI reads the identifier, a decimal number, into its length in bytes.
func parseMKI(id, length string) ([]byte, bool) {
	n, err := strconv.ParseUint(length, 10, 8)
	if err != nil || n == 0 || n > maxMKI {
		return nil, false
	}
	v, err := strconv.ParseUint(id, 10, 64)
	if err != nil || n < 8 && bits.Len64(v) > int(n)*8 {
		return nil, false
	}
	mki := make([]byte, n)
	for i := len(mki) - 1; v > 0; i-- {
		mki[i], v = byte(v), v>>8
	}
	return mki, true
}

// Line is the attribute's value for a key without lifetime and MKI.
func (c Crypto) Line() string {
	return strconv.Itoa(c.Tag) + " " + string(c.Suite) + " inline:" +
		base64.StdEncoding.EncodeToString(c.Keys[0].Master)
}

// String hides the keys.
func (c Crypto) String() string {
	return strconv.Itoa(c.Tag) + " " + string(c.Suite) + " inline:***"
}
