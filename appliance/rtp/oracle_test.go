package rtp_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pion/srtp/v3"

	"sallyport/appliance/rtp"
)

// The oracle is pion/srtp with the same keys.
func oracle(t testing.TB, k rtp.Keys) *srtp.Context {
	t.Helper()
	profiles := map[string]srtp.ProtectionProfile{
		"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80,
		"AES_CM_128_HMAC_SHA1_32": srtp.ProtectionProfileAes128CmHmacSha1_32,
		"AEAD_AES_128_GCM":        srtp.ProtectionProfileAeadAes128Gcm,
		"AEAD_AES_256_GCM":        srtp.ProtectionProfileAeadAes256Gcm,
	}
	size := 16
	if k.Suite == "AEAD_AES_256_GCM" {
		size = 32
	}
	opts := []srtp.ContextOption{srtp.SRTPReplayProtection(128), srtp.SRTCPReplayProtection(128)}
	first := k.Keys[0]
	if len(first.MKI) > 0 {
		opts = append(opts, srtp.MasterKeyIndicator(first.MKI))
	}
	c, err := srtp.CreateContext(first.Master[:size], first.Master[size:], profiles[k.Suite], opts...)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range k.Keys[1:] {
		if err := c.AddCipherForMKI(key.MKI, key.Master[:size], key.Master[size:]); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// rich is a packet with two CSRCs and a header extension.
func rich(ssrc uint32, seq uint16, payload string) []byte {
	b := packet(ssrc, seq, "")
	b[0] = 0x80 | 0x10 | 2
	b = append(b, 1, 2, 3, 4, 5, 6, 7, 8)
	b = append(b, 0xbe, 0xde, 0, 1, 0x10, 42, 0, 0)
	return append(b, payload...)
}

func report(ssrc uint32, words int) []byte {
	b := make([]byte, 8+4*words, 256)
	b[0], b[1], b[3] = 0x80, 201, byte(1+words)
	binary.BigEndian.PutUint32(b[4:], ssrc)
	return b
}

// What we seal pion opens, byte for byte as it would have sealed it, and back.
func TestAgainstPion(t *testing.T) {
	two := keys("AES_CM_128_HMAC_SHA1_80", 30, 7, 7)
	two.Keys = append(two.Keys, rtp.Key{Master: bytes.Repeat([]byte{9}, 30), MKI: []byte{8, 8}})
	for _, k := range append(suites(), keys("AEAD_AES_128_GCM", 28, 1, 2), keys("AEAD_AES_256_GCM", 44, 3), two) {
		s, r := pair(t, k)
		ours, theirs, judge := oracle(t, k), oracle(t, k), oracle(t, k) // pion as receiver of ours, as sender, as its receiver
		for i, seq := range []uint16{65530, 65531, 65533, 65532, 65535, 0, 65534, 3, 1, 40000, 20000, 52000, 19999, 9} {
			for _, p := range [][]byte{packet(7, seq, string(make([]byte, i*37))), rich(1<<31, seq, "payload")} {
				want, err := theirs.EncryptRTP(nil, p, nil)
				if err != nil {
					t.Fatal(err)
				}
				got, err := s.Protect(bytes.Clone(p))
				if err == nil && rtp.Packet(got).Sequence() == seq && !bytes.Equal(got, want) {
					t.Fatalf("%s %d: sealed\n%x, pion\n%x", k.Suite, seq, got, want)
				}
				if err == nil {
					if _, err := ours.DecryptRTP(nil, got, nil); err != nil {
						t.Fatalf("%s %d: pion does not open it: %v", k.Suite, seq, err)
					}
				}
				_, err = judge.DecryptRTP(nil, want, nil)
				if out, v := r.Unprotect(bytes.Clone(want)); (v == rtp.Good) != (err == nil) || err == nil && !bytes.Equal(out, p) {
					t.Fatalf("%s %d: pion's is %d, pion says %v", k.Suite, seq, v, err)
				}
			}
			p := report(7, i)
			want, err := theirs.EncryptRTCP(nil, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, err := s.ProtectRTCP(bytes.Clone(p))
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s report %d: sealed %x, pion %x, %v", k.Suite, i, got, want, err)
			}
			if out, v := r.UnprotectRTCP(got); v != rtp.Good || !bytes.Equal(out, p) {
				t.Fatalf("%s report %d is %d", k.Suite, i, v)
			}
		}
	}
}

// A second key is taken when its identifier is in the packet.
func TestSecondKey(t *testing.T) {
	both := keys("AES_CM_128_HMAC_SHA1_32", 30, 1)
	other := rtp.Keys{Suite: both.Suite, Keys: []rtp.Key{{Master: bytes.Repeat([]byte{5}, 30), MKI: []byte{2}}}}
	both.Keys = append(both.Keys, other.Keys[0])
	_, r := pair(t, both)
	s, _ := pair(t, other)
	sealed, _ := s.Protect(packet(1, 1, "new key"))
	if out, v := r.Unprotect(sealed); v != rtp.Good || string(out[12:]) != "new key" {
		t.Errorf("%d %q", v, out)
	}
	sealed, _ = s.ProtectRTCP(report(1, 3))
	if _, v := r.UnprotectRTCP(sealed); v != rtp.Good {
		t.Errorf("its report is %d", v)
	}
	sealed, _ = s.Protect(packet(1, 2, "x"))
	sealed[len(sealed)-5] = 3 // the identifier
	if _, v := r.Unprotect(sealed); v != rtp.Forged {
		t.Errorf("an unknown key is %d", v)
	}
	both.Keys[1].MKI = []byte{1}
	if _, err := rtp.NewReceiver(both); err == nil {
		t.Error("two keys of one identifier are taken")
	}
}

// A report that is authenticated only (RFC 3711 3.4, the E flag) is taken.
func TestClearReports(t *testing.T) {
	for _, k := range suites()[:4] {
		size := 16
		if k.Suite == "AEAD_AES_256_GCM" {
			size = 32
		}
		profile := map[string]srtp.ProtectionProfile{
			"AES_CM_128_HMAC_SHA1_80": srtp.ProtectionProfileAes128CmHmacSha1_80, "AES_CM_128_HMAC_SHA1_32": srtp.ProtectionProfileAes128CmHmacSha1_32,
			"AEAD_AES_128_GCM": srtp.ProtectionProfileAeadAes128Gcm, "AEAD_AES_256_GCM": srtp.ProtectionProfileAeadAes256Gcm}[k.Suite]
		c, err := srtp.CreateContext(k.Keys[0].Master[:size], k.Keys[0].Master[size:], profile, srtp.SRTCPNoEncryption())
		if err != nil {
			t.Fatal(err)
		}
		p := report(3, 4)
		sealed, err := c.EncryptRTCP(nil, p, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, r := pair(t, k)
		forged := bytes.Clone(sealed)
		forged[9] ^= 1
		if _, v := r.UnprotectRTCP(forged); v != rtp.Forged {
			t.Errorf("%s: a changed one is %d", k.Suite, v)
		}
		if out, v := r.UnprotectRTCP(sealed); v != rtp.Good || !bytes.Equal(out, p) {
			t.Errorf("%s: %d %x", k.Suite, v, out)
		}
	}
}

// FuzzAgainstPion has both read the same bytes in the same state, and seal the
// same packets: each packet of the input is sealed by pion, or taken as it is.
func FuzzAgainstPion(f *testing.F) {
	for i := range suites() {
		f.Add(uint8(i), []byte("\x00\x05\x01hello\x00\x06\x01world"), uint8(8))
		f.Add(uint8(i), []byte("\xff\xff\x01hello\x00\x06\x01world\x00\x05\x03ab"), uint8(8))
		sealed, _ := oracle(f, suites()[i]).EncryptRTP(nil, rich(1, 5, "abc"), nil)
		f.Add(uint8(i)|0x80, sealed, uint8(200))
	}
	f.Fuzz(func(t *testing.T, which uint8, b []byte, step uint8) {
		k := suites()[int(which&0x7f)%len(suites())]
		s, r := pair(t, k)
		theirs, sends := oracle(t, k), oracle(t, k)
		for round := 0; len(b) > 3 && round < 40; round++ {
			chunk := b[:min(len(b), max(int(step), 4))]
			b = b[len(chunk):]
			if which&0x80 != 0 {
				compare(t, k, r, theirs, chunk)
				continue
			}
			p := packet(uint32(chunk[2]&3), binary.BigEndian.Uint16(chunk), string(chunk[3:]))
			sealed, err := sends.EncryptRTP(nil, p, nil)
			if err != nil {
				t.Fatal(err)
			}
			compare(t, k, r, theirs, sealed)
			if out, err := s.Protect(bytes.Clone(p)); err == nil && len(out) != len(sealed) {
				t.Fatalf("%d bytes sealed, pion %d", len(out), len(sealed))
			}
		}
	})
}

// compare opens a packet by both, as RTP and as RTCP.
func compare(t *testing.T, k rtp.Keys, r *rtp.Receiver, theirs *srtp.Context, p []byte) {
	want, err := theirs.DecryptRTP(nil, p, nil)
	got, v := r.Unprotect(bytes.Clone(p))
	if (err == nil) != (v == rtp.Good) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%s %x: %d %x, pion %v %x", k.Suite, p, v, got, err, want)
	}
	want, err = theirs.DecryptRTCP(nil, p, nil)
	got, v = r.UnprotectRTCP(bytes.Clone(p))
	if (err == nil) != (v == rtp.Good) || err == nil && !bytes.Equal(got, want) {
		t.Fatalf("%s report %x: %d %x, pion %v %x", k.Suite, p, v, got, err, want)
	}
}
