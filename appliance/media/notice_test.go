package media

import "testing"

// Every code of both laws comes back as what it was.
func TestG711(t *testing.T) {
	for b := range 256 {
		if got := muEncode(muDecode(byte(b))); got != byte(b) && b != 0x7f { // minus zero is zero
			t.Errorf("mu-law %#x: %#x", b, got)
		}
		if got := aEncode(aDecode(byte(b))); got != byte(b) {
			t.Errorf("A-law %#x: %#x", b, got)
		}
	}
}

// A notice changes G.711 for a fifth of a second in fifteen, and nothing else.
func TestNotice(t *testing.T) {
	var b beep
	changed := 0
	for range 750 {
		pkt := make([]byte, 12+160)
		pkt[0] = 0x80
		for i := 12; i < len(pkt); i++ {
			pkt[i] = 0xff
		}
		b.mix(pkt)
		for _, x := range pkt[12:] {
			if x != 0xff {
				changed++
				break
			}
		}
	}
	if changed != 10 || b.at != 0 {
		t.Errorf("%d packets of 15 s carry the notice, want 10; at %d", changed, b.at)
	}
	other := []byte{0x80, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3}
	b.mix(other)
	if string(other[12:]) != "\x01\x02\x03" {
		t.Error("a packet that is no G.711 was changed")
	}
}
