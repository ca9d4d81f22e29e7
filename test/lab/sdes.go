package lab

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/pion/srtp/v3"
)

// Suite is an SRTP crypto suite by its SDES name.
type Suite string

// The suites of RFC 4568 and RFC 7714 that phones use.
const (
	CM80   Suite = "AES_CM_128_HMAC_SHA1_80"
	CM32   Suite = "AES_CM_128_HMAC_SHA1_32"
	GCM128 Suite = "AEAD_AES_128_GCM"
	GCM256 Suite = "AEAD_AES_256_GCM"
)

// AllSuites is every suite, in the order a phone offers them by default.
func AllSuites() []Suite { return []Suite{CM80, CM32, GCM128, GCM256} }

func (s Suite) profile() (srtp.ProtectionProfile, bool) {
	p, ok := map[Suite]srtp.ProtectionProfile{
		CM80: srtp.ProtectionProfileAes128CmHmacSha1_80, CM32: srtp.ProtectionProfileAes128CmHmacSha1_32,
		GCM128: srtp.ProtectionProfileAeadAes128Gcm, GCM256: srtp.ProtectionProfileAeadAes256Gcm,
	}[s]
	return p, ok
}

// crypto is one a=crypto line: a tag, a suite and the key for what its sender
// sends.
type crypto struct {
	tag   int
	suite Suite
	key   string // base64 of key and salt
}

func newCrypto(tag int, suite Suite) crypto {
	profile, _ := suite.profile()
	keyLen, _ := profile.KeyLen()
	saltLen, _ := profile.SaltLen()
	b := make([]byte, keyLen+saltLen)
	rand.Read(b) // never fails
	return crypto{tag, suite, base64.StdEncoding.EncodeToString(b)}
}

func (c crypto) String() string { return fmt.Sprintf("%d %s inline:%s", c.tag, c.suite, c.key) }

// parseCrypto reads the value of a=crypto; an unknown suite is not ok.
func parseCrypto(v string) (crypto, bool) {
	f := strings.Fields(v)
	if len(f) < 3 || !strings.HasPrefix(f[2], "inline:") {
		return crypto{}, false
	}
	tag, err := strconv.Atoi(f[0])
	key, _, _ := strings.Cut(strings.TrimPrefix(f[2], "inline:"), "|")
	c := crypto{tag, Suite(f[1]), key}
	_, known := c.suite.profile()
	return c, known && err == nil
}

// context makes the SRTP state for one direction.
func (c crypto) context() (*srtp.Context, error) {
	profile, ok := c.suite.profile()
	if !ok {
		return nil, fmt.Errorf("lab: suite %s", c.suite)
	}
	b, err := base64.StdEncoding.DecodeString(c.key)
	keyLen, _ := profile.KeyLen()
	saltLen, _ := profile.SaltLen()
	if err != nil || len(b) != keyLen+saltLen {
		return nil, fmt.Errorf("lab: %s key of %d bytes", c.suite, len(b))
	}
	return srtp.CreateContext(b[:keyLen], b[keyLen:], profile, srtp.SRTPReplayProtection(128), srtp.SRTCPReplayProtection(128))
}

// optionFallback is what a phone and call control name in a registration when
// RTP may answer an offer of SRTP (X-cisco-srtp-fallback).
const optionFallback = "X-cisco-srtp-fallback"

// withoutKeys is a description as a tamperer would leave it: RTP without SRTP.
func withoutKeys(sdp []byte) []byte {
	bare := regexp.MustCompile(`a=crypto:[^\r\n]*\r\n`).ReplaceAll(sdp, nil)
	return []byte(strings.ReplaceAll(string(bare), "RTP/SAVP", "RTP/AVP"))
}
