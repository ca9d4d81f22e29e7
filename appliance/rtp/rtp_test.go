package rtp_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"sallyport/appliance/rtp"
)

func keys(suite string, n int, mki ...byte) rtp.Keys {
	m := make([]byte, n)
	for i := range m {
		m[i] = byte(i * 7)
	}
	return rtp.Keys{Suite: suite, Keys: []rtp.Key{{Master: m, MKI: mki}}}
}

func suites() []rtp.Keys {
	return []rtp.Keys{
		keys("AES_CM_128_HMAC_SHA1_80", 30), keys("AES_CM_128_HMAC_SHA1_32", 30),
		keys("AEAD_AES_128_GCM", 28), keys("AEAD_AES_256_GCM", 44),
		keys("AES_CM_128_HMAC_SHA1_80", 30, 0, 0, 0, 1),
	}
}

func packet(ssrc uint32, seq uint16, payload string) []byte {
	b := make([]byte, 12, 2048)
	b[0] = 0x80
	binary.BigEndian.PutUint16(b[2:], seq)
	binary.BigEndian.PutUint32(b[8:], ssrc)
	return append(b, payload...)
}

func pair(t *testing.T, k rtp.Keys) (*rtp.Sender, *rtp.Receiver) {
	t.Helper()
	s, err := rtp.NewSender(k)
	if err != nil {
		t.Fatal(err)
	}
	r, err := rtp.NewReceiver(k)
	if err != nil {
		t.Fatal(err)
	}
	return s, r
}

func TestSuites(t *testing.T) {
	for _, k := range suites() {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			s, r := pair(t, k)
			sealed, err := s.Protect(packet(1, 65534, "hello"))
			if err != nil {
				t.Fatal(err)
			}
			again, forged := bytes.Clone(sealed), bytes.Clone(sealed)
			forged[13] ^= 1
			if _, v := r.Unprotect(forged); v != rtp.Forged {
				t.Errorf("a changed packet is %d", v)
			}
			if out, v := r.Unprotect(sealed); v != rtp.Good || string(out[12:]) != "hello" {
				t.Errorf("%d %q", v, out)
			}
			if _, v := r.Unprotect(again); v != rtp.Replayed {
				t.Errorf("a replay is %d", v)
			}
			if _, v := r.Unprotect([]byte("short")); v != rtp.Malformed {
				t.Errorf("a short packet is %d", v)
			}
			report := make([]byte, 32, 256)
			report[0], report[1], report[3] = 0x81, 201, 7
			sealed, err = s.ProtectRTCP(report)
			if err != nil {
				t.Fatal(err)
			}
			again = bytes.Clone(sealed)
			if out, v := r.UnprotectRTCP(sealed); v != rtp.Good || len(out) != 32 {
				t.Errorf("report is %d, %d bytes", v, len(out))
			}
			if _, v := r.UnprotectRTCP(again); v != rtp.Replayed {
				t.Errorf("a replayed report is %d", v)
			}
			again[9] ^= 1
			again[len(again)-15] ^= 4
			if _, v := r.UnprotectRTCP(again); v == rtp.Good {
				t.Error("a changed report is good")
			}
		})
	}
}

// raced tells whether the race detector is in the test, which allocates for what
// it watches.
func raced() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"})
}

func TestInPlaceWithoutAllocating(t *testing.T) {
	for _, k := range suites()[:4] {
		s, r := pair(t, k)
		buf, seq := packet(1, 0, strings.Repeat("x", 160)), uint16(0)
		n := testing.AllocsPerRun(200, func() {
			seq++
			b := buf[:172]
			binary.BigEndian.PutUint16(b[2:], seq)
			sealed, err := s.Protect(b)
			if err != nil || &sealed[0] != &buf[0] {
				t.Fatal("not in place", err)
			}
			if out, v := r.Unprotect(sealed); v != rtp.Good || &out[0] != &buf[0] {
				t.Fatal("not in place", v)
			}
		})
		if n > 0 && !raced() {
			t.Errorf("%s: %.0f allocations per packet", k.Suite, n)
		}
	}
}

func TestSourcesAreBounded(t *testing.T) {
	s, r := pair(t, suites()[0])
	many, _ := rtp.NewSender(suites()[0])
	refused := 0
	for ssrc := uint32(0); ssrc < 200; ssrc++ {
		if _, err := s.Protect(packet(ssrc, 1, "x")); err == rtp.ErrSources {
			refused++
			many, _ = rtp.NewSender(suites()[0])
		}
		sealed, err := many.Protect(packet(ssrc, 1, "x"))
		if err != nil {
			many, _ = rtp.NewSender(suites()[0])
			sealed, _ = many.Protect(packet(ssrc, 1, "x"))
		}
		if _, v := r.Unprotect(sealed); (v == rtp.Good) != (ssrc < 64) {
			t.Fatalf("source %d is %d", ssrc, v)
		}
	}
	if refused != 200-64 {
		t.Errorf("%d sources refused", refused)
	}
}

// No sequence number is spent twice, whatever the source does.
func TestKeystreamIsNeverSpentTwice(t *testing.T) {
	s, r := pair(t, suites()[2])
	spent := map[uint32]bool{}
	round, last := uint32(0), uint16(0)
	send := func(seq uint16) bool {
		out, err := s.Protect(packet(9, seq, "p"))
		if err != nil {
			return false
		}
		n := rtp.Packet(out).Sequence()
		if n < 1000 && last > 64000 {
			round++
		}
		last = n
		if spent[round<<16|uint32(n)] {
			t.Fatalf("number %d is spent twice", n)
		}
		spent[round<<16|uint32(n)] = true
		if _, v := r.Unprotect(out); v != rtp.Good {
			t.Fatalf("number %d (sent as %d) is %d", seq, n, v)
		}
		return true
	}
	for _, seq := range []uint16{65000, 65001, 65003, 65002} {
		if !send(seq) {
			t.Errorf("%d does not pass", seq)
		}
	}
	if send(65001) {
		t.Error("a duplicate passes")
	}
	if send(64000) || send(62000) {
		t.Error("stray packets pass as restarts")
	}
	for seq := uint16(50000); seq < 50010; seq++ { // it began anew
		if send(seq) != (seq > 50000) {
			t.Errorf("restart: %d", seq)
		}
	}
	for seq := uint16(50010); seq != 49000; seq++ { // and goes round once
		send(seq)
	}
}

// A receiver that was made late finds the turn its sender is in.
func TestRecover(t *testing.T) {
	for _, k := range suites() {
		s, r := pair(t, k)
		var sealed []byte
		for i := range 65536 + 100 { // one turn
			var err error
			if sealed, err = s.Protect(packet(1, uint16(i), "late")); err != nil {
				t.Fatal(err)
			}
		}
		report := []byte{0x80, 201, 0, 1, 0, 0, 0, 1}
		if rep, err := s.ProtectRTCP(append(make([]byte, 0, 64), report...)); err != nil {
			t.Fatal(err)
		} else if _, v := r.UnprotectRTCP(rep); v != rtp.Good {
			t.Fatalf("report is %d", v)
		}
		if _, v := r.Unprotect(bytes.Clone(sealed)); v != rtp.Forged || !r.Lost() {
			t.Fatalf("%s: verdict %d", k.Suite, v)
		}
		if out, v := r.Recover(sealed); v != rtp.Good || string(out[12:]) != "late" || r.Lost() {
			t.Errorf("%s: recovered as %d", k.Suite, v)
		}
	}
	_, r := pair(t, suites()[0])
	for range 100 {
		r.Recover(packet(1, 1, "forged forged forged"))
	}
	if r.Lost() {
		t.Error("searching never ends")
	}
}

func TestReports(t *testing.T) {
	b := make([]byte, 32)
	b[0], b[1], b[3] = 0x81, 201, 7
	binary.BigEndian.PutUint32(b[4:], 5)
	binary.BigEndian.PutUint32(b[8:], 6)
	b[12], b[13], b[14], b[15] = 128, 0xff, 0xff, 0xfe // -2: duplicates
	binary.BigEndian.PutUint32(b[20:], 99)
	var got []rtp.Report
	if !rtp.Reports(append(b, 0x80, 203, 0, 0), func(r rtp.Report) { got = append(got, r) }) {
		if rtp.Reports(b, func(r rtp.Report) { got = append(got, r) }); len(got) == 0 {
			t.Fatal("not read")
		}
	}
	if want := (rtp.Report{From: 5, Source: 6, Lost: -2, Fraction: 128, Jitter: 99}); got[0] != want {
		t.Errorf("got %+v", got[0])
	}
	if rtp.Reports(b[:30], func(rtp.Report) {}) {
		t.Error("a cut report is well formed")
	}
}

func TestDemux(t *testing.T) {
	for in, want := range map[string]rtp.Kind{
		"\x00\x01": rtp.STUN, "\x16\xfe": rtp.DTLS, "\x80\x00": rtp.RTP, "\x80\xe5": rtp.RTP,
		"\x80\xc8": rtp.RTCP, "\x81\xc9": rtp.RTCP, "\x40\x00": rtp.Unknown, "\xc0\x00": rtp.Unknown, "\x80": rtp.Unknown,
	} {
		if got := rtp.Demux([]byte(in)); got != want {
			t.Errorf("%q is %d, want %d", in, got, want)
		}
	}
}

func TestKeysDoNotPrint(t *testing.T) {
	k := keys("AEAD_AES_128_GCM", 28)
	if s := fmt.Sprintf("%v %+v %#v %s", k, k, k, k); strings.Contains(s, "14") || !strings.Contains(s, "***") {
		t.Errorf("prints %s", s)
	}
	if _, err := rtp.NewSender(keys("AEAD_AES_128_GCM", 3)); err == nil {
		t.Error("a short key is taken")
	}
	if _, err := rtp.NewReceiver(rtp.Keys{Suite: "NULL"}); err == nil {
		t.Error("an unknown suite is taken")
	}
}

func FuzzRTCP(f *testing.F) {
	f.Add([]byte{0x81, 201, 0, 7, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0, 0, 0, 8})
	f.Add([]byte{0x80, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 2, 3, 0, 0, 4, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7, 0x80, 203, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		rtp.Reports(b, func(rtp.Report) { n++ })
		if n*24 > len(b) {
			t.Fatalf("%d reports in %d bytes", n, len(b))
		}
	})
}

func FuzzUnprotect(f *testing.F) {
	for i, k := range suites() {
		s, _ := rtp.NewSender(k)
		b, _ := s.Protect(packet(1, 2, "seed"))
		f.Add(uint8(i), b)
		b, _ = s.ProtectRTCP([]byte{0x80, 201, 0, 1, 0, 0, 0, 1})
		f.Add(uint8(i), b)
	}
	all := suites()
	f.Fuzz(func(t *testing.T, which uint8, b []byte) {
		r, err := rtp.NewReceiver(all[int(which)%len(all)])
		if err != nil {
			t.Fatal(err)
		}
		c := bytes.Clone(b)
		r.Unprotect(b)
		r.UnprotectRTCP(c)
		if s, err := rtp.NewSender(all[int(which)%len(all)]); err == nil {
			s.Protect(append(make([]byte, 0, len(b)+32), b...))
			s.ProtectRTCP(append(make([]byte, 0, len(b)+32), b...))
		}
	})
}

func BenchmarkSRTP(b *testing.B) {
	for _, k := range suites()[:4] {
		b.Run(k.Suite, func(b *testing.B) {
			s, _ := rtp.NewSender(k)
			r, _ := rtp.NewReceiver(k)
			buf := packet(1, 0, strings.Repeat("x", 160))
			b.ReportAllocs()
			for i := range b.N {
				p := buf[:172]
				binary.BigEndian.PutUint16(p[2:], uint16(i))
				out, err := s.Protect(p)
				if err != nil {
					b.Fatal(err)
				}
				if _, v := r.Unprotect(out); v != rtp.Good {
					b.Fatal(v)
				}
			}
		})
	}
}
