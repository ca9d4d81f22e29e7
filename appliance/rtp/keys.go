package rtp

import (
	"bytes"
	"errors"
	"fmt"
)

// Key is one master key with its salt, joined, and the identifier that
// packets carry to choose it (nil if they carry none).
type Key struct {
	Master []byte
	MKI    []byte
}

// Keys is what one direction of one stream is protected with. Its String
// hides the keys. A context goes on reading them: they must not be changed.
type Keys struct {
	Suite string // the name that SDES registers, for instance AEAD_AES_128_GCM
	Keys  []Key
}

func (k Keys) String() string { return k.Suite + " ***" }

// GoString hides the keys from %#v too.
func (k Keys) GoString() string { return k.String() }

// Set reports whether there are keys at all.
func (k Keys) Set() bool { return len(k.Keys) > 0 }

// Equal reports whether both would make the same context.
func (k Keys) Equal(o Keys) bool {
	if k.Suite != o.Suite || len(k.Keys) != len(o.Keys) {
		return false
	}
	for i := range k.Keys {
		if !bytes.Equal(k.Keys[i].Master, o.Keys[i].Master) || !bytes.Equal(k.Keys[i].MKI, o.Keys[i].MKI) {
			return false
		}
	}
	return true
}

// suite is what a name of SDES stands for (RFC 4568, 7714). Lengths are bytes.
type suite struct {
	key, salt uint8
	tag       uint8 // of RTP
	gcm       bool
}

// suiteOf reads a suite's name.
func suiteOf(name string) (suite, error) {
	switch name {
	case "AES_CM_128_HMAC_SHA1_80":
		return suite{16, 14, 10, false}, nil
	case "AES_CM_128_HMAC_SHA1_32":
		return suite{16, 14, 4, false}, nil
	case "AEAD_AES_128_GCM":
		return suite{16, 12, 16, true}, nil
	case "AEAD_AES_256_GCM":
		return suite{32, 12, 16, true}, nil
	}
	return suite{}, fmt.Errorf("srtp: suite %q is not spoken", name)
}

// rtcpTag is the tag's length in SRTCP: short ones are for RTP only.
func (s suite) rtcpTag() int {
	if s.gcm {
		return gcmTag
	}
	return 10
}

// check tells whether keys can make a context, and its suite.
func (k Keys) check() (suite, error) {
	s, err := suiteOf(k.Suite)
	if err != nil {
		return s, err
	}
	if !k.Set() {
		return s, fmt.Errorf("srtp: no key for %s", k.Suite)
	}
	for i, key := range k.Keys {
		if len(key.Master) != int(s.key+s.salt) {
			return s, fmt.Errorf("srtp: key of %d bytes for %s", len(key.Master), k.Suite)
		}
		if err := k.checkMKI(i); err != nil {
			return s, fmt.Errorf("srtp: %s: %w", k.Suite, err)
		}
	}
	return s, nil
}

// checkMKI holds that packets can tell their key: identifiers of one length,
// each once, unless there is one key alone.
func (k Keys) checkMKI(i int) error {
	mki := k.Keys[i].MKI
	switch {
	case len(mki) > maxMKI:
		return errors.New("key identifier too long")
	case len(mki) != len(k.Keys[0].MKI) || len(k.Keys) > 1 && len(mki) == 0:
		return errors.New("key identifiers differ in length")
	}
	for _, earlier := range k.Keys[:i] {
		if bytes.Equal(earlier.MKI, mki) {
			return errors.New("two keys of one identifier")
		}
	}
	return nil
}

const (
	maxMKI     = 128 // RFC 4568
	maxSources = 64  // SSRCs per context; a relayed stream has one or two at a time
	// Overhead is the most that protecting adds to a packet, but for an MKI:
	// tag, SRTCP index.
	Overhead = 16 + 4
)
