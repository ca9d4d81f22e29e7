package rtp

import (
	"crypto/aes"
	"crypto/sha1"
	"encoding"
	"encoding/binary"
)

// Labels of key derivation (RFC 3711 4.3.2), for RTP; RTCP's are labelRTCP more.
const (
	labelKey  = 0
	labelAuth = 1
	labelSalt = 2
	labelRTCP = 3

	authKeySize = 20
)

// derive is AES-CM key derivation without a derivation rate (RFC 3711 4.3.1;
// RFC 7714 11 with its salt of 12 bytes): len(out) bytes for a label, at most 32.
func derive(out []byte, s suite, master []byte, label byte) error {
	block, err := aes.NewCipher(master[:s.key])
	if err != nil {
		return err
	}
	var in [aes.BlockSize]byte
	copy(in[:], master[s.key:])
	in[7] ^= label
	var made [2 * aes.BlockSize]byte
	for i := 0; i < len(out); i += aes.BlockSize {
		binary.BigEndian.PutUint16(in[14:], uint16(i/aes.BlockSize))
		block.Encrypt(made[i:], in[:])
	}
	copy(out, made[:])
	clear(made[:])
	return nil
}

// session is what packets of one kind, RTP or RTCP, are worked on with beside
// the cipher. HMAC's key is kept as the two states of SHA-1 that it leads to,
// which is all that is ever needed of it.
type session struct {
	salt         [14]byte
	inner, outer [sha1.Size]byte
}

// load derives salt and authentication for RTP (from is 0) or RTCP
// (labelRTCP).
func (n *session) load(s suite, master []byte, from byte) error {
	if err := derive(n.salt[:s.salt], s, master, from+labelSalt); err != nil || s.gcm {
		return err
	}
	var pad [sha1.BlockSize]byte
	defer clear(pad[:])
	if err := derive(pad[:authKeySize], s, master, from+labelAuth); err != nil {
		return err
	}
	for i := range pad {
		pad[i] ^= 0x36
	}
	if err := midstate(&n.inner, &pad); err != nil {
		return err
	}
	for i := range pad {
		pad[i] ^= 0x36 ^ 0x5c
	}
	return midstate(&n.outer, &pad)
}

// How SHA-1's state is marshalled: a name of 4 bytes, the five words, the
// block that is not full, the length. A test holds it.
const (
	stateAt   = 4
	stateSize = stateAt + sha1.Size + sha1.BlockSize + 8
)

// midstate is SHA-1's state after one block.
func midstate(out *[sha1.Size]byte, block *[sha1.BlockSize]byte) error {
	h := sha1.New()
	h.Write(block[:])
	state, err := h.(encoding.BinaryAppender).AppendBinary(nil)
	if err == nil {
		copy(out[:], state[stateAt:])
		clear(state)
	}
	return err
}
