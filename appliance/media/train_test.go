package media

import (
	"fmt"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// trainPair is a link socket with its outbox, and another with an inbox.
func trainPair(t *testing.T) (*outbox, *inbox, int, *endpoint) {
	t.Helper()
	var fds [2]int
	var at [2]netip.AddrPort
	for i := range fds {
		fd, err := openUDP(netip.MustParseAddrPort(fmt.Sprintf("127.56.0.%d:0", i+1)), legBuffer)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { unix.Close(fd) })
		shareSocket(fd)
		sa, err := unix.Getsockname(fd)
		if err != nil {
			t.Fatal(err)
		}
		in4 := sa.(*unix.SockaddrInet4)
		fds[i], at[i] = fd, netip.AddrPortFrom(netip.AddrFrom4(in4.Addr), uint16(in4.Port))
	}
	return newOutbox(fds[0]), newInbox(), fds[1], newEndpoint(at[1])
}

// mixed are frames of several lanes and sizes: byte 0 names the lane, byte 1
// counts in it.
func mixed() (frames [][]byte, lanes []int) {
	var next [5]byte
	for i := range 300 {
		lane := i * 7 % 5
		b := make([]byte, 100+60*(i*i%4))
		b[0], b[1] = byte(lane), next[lane]
		next[lane]++
		frames, lanes = append(frames, b), append(lanes, lane)
	}
	return frames, lanes
}

func TestTrainsKeepEveryLanesOrder(t *testing.T) {
	out, in, fd, to := trainPair(t)
	var lanes [5]lane
	frames, of := mixed()
	for i, b := range frames {
		out.put(b, to, &lanes[of[i]])
	}
	if out.n > 62 { // every lane changes its size with every frame: 60 of each
		t.Errorf("%d frames make %d trains", len(frames), out.n)
	}
	out.flush()
	got := 0
	var next [5]byte
	for deadline := time.Now().Add(20 * time.Second); got < len(frames) && time.Now().Before(deadline); {
		got += in.receive(fd, func(_ netip.AddrPort, b []byte) {
			if b[1] != next[b[0]] {
				t.Fatalf("lane %d: frame %d comes where %d should", b[0], b[1], next[b[0]])
			}
			next[b[0]]++
		})
	}
	if got != len(frames) {
		t.Errorf("%d of %d frames came", got, len(frames))
	}
}

// A kernel that refuses trains gets frames, and is not asked again.
func TestRefusedTrainsGoFrameByFrame(t *testing.T) {
	out, in, fd, to := trainPair(t)
	if err := unix.SetsockoptInt(out.fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1); err != nil {
		t.Fatal(err) // without checksums the kernel parts nothing
	}
	var l lane
	for round := range 2 {
		for range 10 {
			out.put(make([]byte, 200), to, &l)
		}
		if round == 1 && out.n != 10 {
			t.Errorf("refused once, yet %d trains for ten frames", out.n)
		}
		out.flush()
		got := 0
		for deadline := time.Now().Add(20 * time.Second); got < 10 && time.Now().Before(deadline); {
			got += in.receive(fd, func(netip.AddrPort, []byte) {})
		}
		if got != 10 {
			t.Fatalf("%d of ten frames came", got)
		}
	}
}

// A far end that knows nothing of trains sees datagrams.
func TestTrainsArePartedForPlainSockets(t *testing.T) {
	out, _, _, _ := trainPair(t)
	plain, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 56, 0, 3)})
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	to := newEndpoint(plain.LocalAddr().(*net.UDPAddr).AddrPort())
	var l lane
	for i := range 5 {
		out.put([]byte{byte(i), 1, 2, 3}, to, &l)
	}
	out.flush()
	plain.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 100)
	for i := range 5 {
		if n, err := plain.Read(buf); err != nil || n != 4 || buf[0] != byte(i) {
			t.Fatalf("datagram %d: %d bytes, first %d, %v", i, n, buf[0], err)
		}
	}
}

// TestTrainsAreMarked sends trains and single frames of pictures and of sound by
// one socket, in both families, also where the kernel refuses trains.
func TestTrainsAreMarked(t *testing.T) {
	for _, host := range []string{"127.56.0.4", "::1"} {
		for _, refused := range []bool{false, true} {
			plain, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
			if err != nil {
				t.Fatal(err)
			}
			defer plain.Close()
			at := netip.MustParseAddr(host)
			fd, err := openUDP(netip.AddrPortFrom(at, 0), legBuffer)
			if err != nil {
				t.Fatal(err)
			}
			defer unix.Close(fd)
			setMark(fd, at.Is6(), 46)
			if refused {
				unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_NO_CHECK, 1)
			}
			out := newOutbox(fd)
			to := newEndpoint(netip.AddrPortFrom(at, uint16(plain.LocalAddr().(*net.UDPAddr).Port)))
			sound, picture := lane{}, lane{mark: 34<<2 | marked}
			for i := range 6 {
				b := []byte{46, 1, 2, 3}
				l := &sound
				if i%2 == 0 {
					b, l = []byte{34, 1, 2, 3}, &picture
				}
				out.put(b, to, l)
			}
			out.put([]byte{34, 1}, to, &picture)
			if out.n != 3 {
				t.Errorf("%d trains", out.n)
			}
			out.flush()
			for range 7 {
				if first, dscp := readClass(t, plain); first != dscp {
					t.Errorf("to %s, trains refused %v: a frame that wants %d has %d", host, refused, first, dscp)
				}
			}
		}
	}
}

// readClass reads a datagram's first byte and its DSCP.
func readClass(t *testing.T, c *net.UDPConn) (first, dscp int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVTOS, 1)
		unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVTCLASS, 1)
	})
	b, oob := make([]byte, 100), make([]byte, 128)
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	_, n, _, _, err := c.ReadMsgUDP(b, oob)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) == 0 {
		t.Fatal("it does not tell", err)
	}
	return int(b[0]), int(messages[0].Data[0]) >> 2
}
