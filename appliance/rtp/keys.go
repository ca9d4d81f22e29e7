package rtp

import (
	"bytes"
	"fmt"

	"github.com/pion/srtp/v3"
)

// Key is one master key with its salt, joined, and the identifier that
// packets carry to choose it (nil if they carry none).
type Key struct {
	Master []byte
	MKI    []byte
}

// Keys is what one direction of one stream is protected with. Its String
// hides the keys.
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

// profile is the suite's number and the length of its master key.
func profile(suite string) (srtp.ProtectionProfile, int, error) {
	switch suite {
	case "AES_CM_128_HMAC_SHA1_80":
		return srtp.ProtectionProfileAes128CmHmacSha1_80, 16, nil
	case "AES_CM_128_HMAC_SHA1_32":
		return srtp.ProtectionProfileAes128CmHmacSha1_32, 16, nil
	case "AEAD_AES_128_GCM":
		return srtp.ProtectionProfileAeadAes128Gcm, 16, nil
	case "AEAD_AES_256_GCM":
		return srtp.ProtectionProfileAeadAes256Gcm, 32, nil
	}
	return 0, 0, fmt.Errorf("srtp: suite %q is not spoken", suite)
}

// context makes pion's context for these keys, replay window on.
func (k Keys) context() (*srtp.Context, error) {
	p, n, err := profile(k.Suite)
	if err != nil {
		return nil, err
	}
	for _, key := range k.Keys {
		if len(key.Master) < n {
			return nil, fmt.Errorf("srtp: key of %d bytes for %s", len(key.Master), k.Suite)
		}
	}
	if !k.Set() {
		return nil, fmt.Errorf("srtp: no key for %s", k.Suite)
	}
	first := k.Keys[0]
	opts := []srtp.ContextOption{srtp.SRTPReplayProtection(window), srtp.SRTCPReplayProtection(window)}
	if len(first.MKI) > 0 {
		opts = append(opts, srtp.MasterKeyIndicator(first.MKI))
	}
	c, err := srtp.CreateContext(first.Master[:n], first.Master[n:], p, opts...)
	if err != nil {
		return nil, fmt.Errorf("srtp: %s: %w", k.Suite, err)
	}
	for _, key := range k.Keys[1:] {
		if err := c.AddCipherForMKI(key.MKI, key.Master[:n], key.Master[n:]); err != nil {
			return nil, fmt.Errorf("srtp: %s: %w", k.Suite, err)
		}
	}
	return c, nil
}

const (
	window     = 128 // packets of a replay window; 2.5 s of audio, a burst of video
	maxSources = 64  // SSRCs per context; a relayed stream has one or two at a time
	// Overhead is the most that protecting adds to a packet: tag, SRTCP index.
	Overhead = 16 + 4
)
