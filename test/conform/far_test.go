package conform_test

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/test/lab"
)

// A heard message is one that reached the far end, with the way back.
type heard struct {
	*lab.Message
	back func([]byte) error
}

// far is the element inside that the suite plays: it listens as call control
// would, and hands every message to the scenario whose Call-ID it has.
type far struct {
	addr netip.AddrPort
	tcp  net.Listener
	udp  *net.UDPConn

	mu    sync.Mutex
	boxes map[string]*box
	conns []net.Conn
	wg    sync.WaitGroup
}

// box is what a scenario gets. A datagram that comes again, since core waited
// for its answer longer than T1 on a slow machine, is no news unless the scenario
// is about that. An ACK answers each time.
type box struct {
	heard   chan heard
	seen    map[string]bool
	repeats bool
}

// boxSize is more than any scenario sends.
const boxSize = 256

func newFar(t *testing.T, addr netip.AddrPort) *far {
	t.Helper()
	f := &far{addr: addr, boxes: map[string]*box{}}
	var err error
	if f.tcp, err = net.Listen("tcp", addr.String()); err != nil {
		t.Fatal(err)
	}
	if f.udp, err = net.ListenUDP("udp", net.UDPAddrFromAddrPort(addr)); err != nil {
		f.tcp.Close()
		t.Fatal(err)
	}
	f.wg.Go(f.accept)
	f.wg.Go(f.datagrams)
	t.Cleanup(f.close)
	return f
}

func (f *far) close() {
	f.tcp.Close()
	f.udp.Close()
	f.mu.Lock()
	for _, c := range f.conns {
		c.Close()
	}
	f.mu.Unlock()
	f.wg.Wait()
}

func (f *far) accept() {
	for {
		c, err := f.tcp.Accept()
		if err != nil {
			return
		}
		f.keep(c)
	}
}

// keep reads a connection until it ends.
func (f *far) keep(c net.Conn) *lab.Stranger {
	x := lab.Adopt(c)
	f.mu.Lock()
	f.conns = append(f.conns, c)
	f.mu.Unlock()
	f.wg.Go(func() {
		for {
			m, err := x.Receive(time.Hour)
			if err != nil {
				return
			}
			f.deliver(heard{m, x.Send}, "")
		}
	})
	return x
}

func (f *far) datagrams() {
	b := make([]byte, 64<<10)
	for {
		n, from, err := f.udp.ReadFromUDPAddrPort(b)
		if err != nil {
			return
		}
		if m, err := lab.ParseMessage([]byte(string(b[:n]))); err == nil {
			f.deliver(heard{m, func(b []byte) error {
				_, err := f.udp.WriteToUDPAddrPort(b, from)
				return err
			}}, string(b[:n]))
		}
	}
}

// deliver finds the scenario; what belongs to none that still runs is dropped.
func (f *far) deliver(h heard, datagram string) {
	name, _, _ := strings.Cut(h.Get("Call-ID"), "-")
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.boxes[name]
	if b == nil || b.seen[datagram] && !b.repeats {
		return
	}
	if datagram != "" && h.Method() != "ACK" {
		b.seen[datagram] = true
	}
	select {
	case b.heard <- h:
	default:
	}
}

func (f *far) open(name string) chan heard {
	b := &box{heard: make(chan heard, boxSize), seen: map[string]bool{}}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boxes[name] = b
	return b.heard
}

// hearsRepeats has a scenario get datagrams as often as they come.
func (f *far) hearsRepeats(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boxes[name].repeats = true
}

func (f *far) forget(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.boxes, name)
}

// dial connects to core, as call control does when it has something to say.
func (f *far) dial(to netip.AddrPort) (*lab.Stranger, error) {
	d := net.Dialer{Timeout: patience, LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(f.addr.Addr(), 0))}
	c, err := d.Dial("tcp", to.String())
	if err != nil {
		return nil, fmt.Errorf("far end: %w", err)
	}
	return f.keep(c), nil
}
