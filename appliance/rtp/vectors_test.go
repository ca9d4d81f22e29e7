package rtp

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// RFC 3711 B.3.
func TestKeyDerivation(t *testing.T) {
	s := suite{16, 14, 10, false}
	master := unhex(t, "E1F97A0D3E018BE0D64FA32C06DE4139"+"0EC675AD498AFEEBB6960B3AABE6")
	for label, want := range map[byte]string{
		labelKey:  "C61E7A93744F39EE10734AFE3FF7A087",
		labelSalt: "30CBBC08863D8C85D49DB34A9AE1",
		labelAuth: "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4",
	} {
		got := make([]byte, len(want)/2)
		if err := derive(got, s, master, label); err != nil || !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("label %d: %x, %v", label, got, err)
		}
	}
}

// RFC 3711 B.2.
func TestKeystream(t *testing.T) {
	block, err := aes.NewCipher(unhex(t, "2B7E151628AED2A6ABF7158809CF4F3C"))
	if err != nil {
		t.Fatal(err)
	}
	n := &session{salt: [14]byte(unhex(t, "F0F1F2F3F4F5F6F7F8F9FAFBFCFD"))}
	r, b := NewRoom(), make([]byte, 0xff02*16)
	r.counter(n, 0, 0)
	r.crypt(block, b)
	if want := unhex(t, "E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"); !bytes.Equal(b[:48], want) {
		t.Errorf("begins %x", b[:48])
	}
	if want := unhex(t, "EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44"); !bytes.Equal(b[0xfeff*16:][:48], want) {
		t.Errorf("at 0xfeff %x", b[0xfeff*16:][:48])
	}
}

// vectorContext has session keys put in where a vector gives those.
func vectorContext(t *testing.T, key, salt string) *context {
	t.Helper()
	block, err := aes.NewCipher(unhex(t, key))
	if err != nil {
		t.Fatal(err)
	}
	c := &context{suite: suite{uint8(len(key) / 2), 12, gcmTag, true}, room: NewRoom(), key: keyed{from: &Key{}}}
	if c.key.aead, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	copy(c.key.rtp.salt[:], unhex(t, salt))
	return c
}

// RFC 7714 16.1 and 16.2.
func TestGCMVectors(t *testing.T) {
	const plain = "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e6973206469766973612069" +
		"6e207061727465732074726573"
	for key, want := range map[string]string{
		"000102030405060708090a0b0c0d0e0f": "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd5" +
			"0d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f": "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab1801238" +
			"9a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfffd6b0f9bb7878d7a76c13",
	} {
		c := vectorContext(t, key, "517569642070726f2071756f")
		got := c.seal(unhex(t, plain), HeaderSize, 0xf17b)
		if !bytes.Equal(got, unhex(t, want)) {
			t.Errorf("sealed %x", got)
		}
		if out, ok := c.open(got, HeaderSize, 0xf17b); !ok || !bytes.Equal(out, unhex(t, plain)) {
			t.Errorf("opened %x, %v", out, ok)
		}
	}
}

func TestWindow(t *testing.T) {
	var w window
	had := map[uint64]bool{}
	next := uint64(1 << 20)
	for i := range 20000 { // steps of every size, back and forth, against a plain set
		step := []uint64{1, 1, 2, 63, 64, 65, 127, 128, 129, 300}[i*7919%10]
		next += step
		for _, back := range []uint64{0, 0, 1, 5, 63, 64, 127} {
			n := next - back
			if want := had[n] || w.begun && n < w.top && w.top-n >= windowSize; w.had(n) != want {
				t.Fatalf("had(%d) with top %d is not %v", n, w.top, want)
			} else if !want {
				w.note(n)
				had[n] = true
			}
		}
	}
}

func TestGuess(t *testing.T) {
	for _, c := range []struct {
		top  uint64
		seq  uint16
		want uint64
	}{
		{5, 6, 6}, {65535, 0, 1 << 16}, {1 << 16, 65535, 65535}, {3, 65535, 65535},
		{7<<16 | 1, 65000, 6<<16 | 65000}, {7<<16 | 65000, 2, 8<<16 | 2}, {7<<16 | 100, 50, 7<<16 | 50},
	} {
		w := window{top: c.top, begun: true}
		if got := w.guess(c.seq); got != c.want {
			t.Errorf("%x after %x is %x", c.seq, c.top, got)
		}
	}
}

func TestWipe(t *testing.T) {
	k := Keys{Suite: "AES_CM_128_HMAC_SHA1_80", Keys: []Key{{Master: make([]byte, 30)}}}
	s, err := NewSender(k)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ProtectRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}); err != nil {
		t.Fatal(err)
	}
	reports := s.key.rtcp
	s.Wipe()
	if s.key.rtp != (session{}) || s.key.block != nil || *reports != (session{}) {
		t.Error("keys are left")
	}
}

// HMAC in whole blocks is HMAC, at every length around a block's.
func TestMAC(t *testing.T) {
	r, n, s := NewRoom(), new(session), suite{16, 14, 10, false}
	master := bytes.Repeat([]byte{3}, 30)
	if err := n.load(s, master, 0); err != nil {
		t.Fatal(err)
	}
	key := make([]byte, authKeySize)
	if err := derive(key, s, master, labelAuth); err != nil {
		t.Fatal(err)
	}
	for size := range 300 {
		b := bytes.Repeat([]byte{byte(size)}, size)
		for _, more := range [][]byte{nil, {1, 2, 3, 4}} {
			h := hmac.New(sha1.New, key)
			h.Write(b)
			h.Write(more)
			if got := r.mac(n, b, more); !bytes.Equal(got, h.Sum(nil)) {
				t.Fatalf("%d and %d bytes: %x", size, len(more), got)
			}
		}
	}
}
