package media

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"sallyport/appliance/rtp"
)

// A side that has keys leaves as SRTP by them; the call's own packet stays as it
// was.
func TestForkProtects(t *testing.T) {
	relay := New(Config{Workers: 1})
	here := netip.MustParseAddr("127.0.0.1")
	if err := relay.Apply(Plan{Inner: Addresses{V4: here}, PortStart: 39100, PortEnd: 39199}); err != nil {
		t.Fatal(err)
	}
	recorder, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(here, 0)))
	if err != nil {
		t.Fatal(err)
	}
	defer recorder.Close()
	keys := rtp.Keys{Suite: "AEAD_AES_128_GCM", Keys: []rtp.Key{{Master: bytes.Repeat([]byte{7}, 28)}}}
	l := forkLeg{}
	if l.leg, err = relay.openLeg(here); err != nil {
		t.Fatal(err)
	}
	defer l.leg.close()
	if err := l.aim(rtp.NewRoom(), ForkTo{Addr: recorder.LocalAddr().(*net.UDPAddr).AddrPort(), Keys: keys}); err != nil {
		t.Fatal(err)
	}
	pkt := append([]byte{0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 5}, "what is said"...)
	was := bytes.Clone(pkt)
	l.copy(rtp.RTP, pkt)
	l.copy(rtp.RTCP, pkt) // is the call's own
	recorder.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 2000)
	n, err := recorder.Read(buf)
	if err != nil {
		t.Fatal(err)
	}
	in, err := rtp.NewReceiver(keys)
	if err != nil {
		t.Fatal(err)
	}
	got, verdict := in.Unprotect(buf[:n])
	if verdict != rtp.Good || !bytes.Equal(got, was) || !bytes.Equal(pkt, was) || bytes.Contains(buf[:n], []byte("what")) && n == len(was) {
		t.Errorf("%v %q, sent %q", verdict, got, was)
	}
}
