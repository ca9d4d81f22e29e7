package boot

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"testing"
)

// wireSwitch is a small Ethernet switch for the wires between machines. Each
// port is a pair of UDP sockets on loopback, one frame a datagram, as QEMU's
// dgram network speaks. It hands a frame only to the port where its receiver
// was last seen: QEMU's user network answers every packet that it sees, whoever
// it is for, so it must not see what two machines say to each other.
type wireSwitch struct {
	ports []*net.UDPConn
	peers []*net.UDPAddr

	mu   sync.Mutex
	seen map[[6]byte]int // the port of each address; a test has a handful
}

// maxFrame is more than any frame of these wires: their MTU is 1500.
const maxFrame = 1 << 16

// newSwitch opens a switch with so many ports until the test ends.
func newSwitch(t *testing.T, ports int) *wireSwitch {
	t.Helper()
	s := &wireSwitch{seen: map[[6]byte]int{}}
	for range ports {
		peer := net.UDPAddrFromAddrPort(netip.MustParseAddrPort(freeUDP(t)))
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		s.ports, s.peers = append(s.ports, c), append(s.peers, peer)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var busy sync.WaitGroup
	for i := range s.ports {
		busy.Go(func() { s.forward(ctx, i) })
	}
	t.Cleanup(func() {
		cancel()
		for _, c := range s.ports {
			c.Close()
		}
		busy.Wait()
	})
	return s
}

// netdev is how a machine is told of a port.
func (s *wireSwitch) netdev(port int, id string) string {
	near, far := s.peers[port].AddrPort(), s.ports[port].LocalAddr().(*net.UDPAddr).AddrPort()
	return fmt.Sprintf("dgram,id=%s,local.type=inet,local.host=%s,local.port=%d,remote.type=inet,remote.host=%s,remote.port=%d",
		id, near.Addr(), near.Port(), far.Addr(), far.Port())
}

// forward carries what comes in at a port until the switch closes. A machine
// that is not there yet loses what is sent to it, as on any wire.
func (s *wireSwitch) forward(ctx context.Context, in int) {
	frame := make([]byte, maxFrame)
	for ctx.Err() == nil {
		n, err := s.ports[in].Read(frame)
		if err != nil || n < 14 {
			continue
		}
		for _, out := range s.learn(in, [6]byte(frame[0:6]), [6]byte(frame[6:12])) {
			s.ports[out].WriteToUDP(frame[:n], s.peers[out])
		}
	}
}

// learn notes where a sender is and says at which ports its frame goes out.
func (s *wireSwitch) learn(in int, to, from [6]byte) (out []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen[from] = in
	if port, ok := s.seen[to]; ok && to[0]&1 == 0 {
		if port == in {
			return nil
		}
		return []int{port}
	}
	for port := range s.ports {
		if port != in {
			out = append(out, port)
		}
	}
	return out
}
