package lab

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// stackConfig is what a SIP element plugs into its stack. The functions are
// called on the reader of a link, in order, and must not block.
type stackConfig struct {
	name      string
	log       *slog.Logger
	t1        time.Duration // RFC 3261 T1; 0 means 500 ms
	dialTLS   *tls.Config
	onRequest func(*serverTx)
	onCancel  func(invite, cancel *serverTx) // invite is nil if it is unknown
	onAck     func(*link, *Message)          // ACK of a 2xx
	onClosed  func(*link)
	onPong    func(*link) // CRLF or a STUN answer
}

// stack holds the sockets and transactions of one SIP element.
type stack struct {
	cfg stackConfig
	recorder

	wg        sync.WaitGroup
	mu        sync.Mutex // guards all below
	closed    bool
	ids       uint64
	listeners []listener
	sockets   []*net.UDPConn
	links     map[string]*link
	deserted  []*link // alive for nobody but the kernel
	clients   map[string]*clientTx
	servers   map[string]*serverTx
}

const (
	maxLinks        = 20000
	maxTransactions = 50000
)

func newStack(cfg stackConfig) *stack {
	if cfg.t1 == 0 {
		cfg.t1 = 500 * time.Millisecond
	}
	if cfg.log == nil {
		cfg.log = slog.New(slog.DiscardHandler)
	}
	return &stack{cfg: cfg, links: map[string]*link{}, clients: map[string]*clientTx{}, servers: map[string]*serverTx{}}
}

func (s *stack) nextID() uint64 { s.ids++; return s.ids }

// close ends all sockets and transactions and waits for the readers.
func (s *stack) close() {
	s.mu.Lock()
	s.closed = true
	for _, ln := range s.listeners {
		ln.close()
	}
	for _, l := range s.links {
		l.close()
	}
	for _, l := range s.deserted {
		l.close()
	}
	for _, t := range s.clients {
		t.stop()
	}
	for _, t := range s.servers {
		t.stop()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

// sentBy is what goes into Via and Record-Route on a link: the listener's
// address where there is one, so that a peer can come back.
func (s *stack) sentBy(l *link) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ln := range s.listeners {
		if ln.network == l.network && ln.addr.Addr().Is4() == l.remote.Addr().Is4() {
			return hostPort(ln.addr)
		}
	}
	return hostPort(l.local)
}

// isMine tells whether host and port name one of our listeners.
func (s *stack) isMine(t target) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ln := range s.listeners {
		if ln.addr.Addr().String() == t.host && int(ln.addr.Port()) == t.port {
			return true
		}
	}
	return false
}

// transmit writes a message and remembers it.
func (s *stack) transmit(l *link, raw []byte) error {
	s.record(Capture{time.Now(), true, l.network, l.local, l.remote, raw})
	if err := l.send(raw); err != nil {
		s.cfg.log.Debug("send", "element", s.cfg.name, "peer", l.remote, "err", err)
		return err
	}
	return nil
}

// receive takes one message off a link.
func (s *stack) receive(l *link, raw []byte) {
	s.record(Capture{time.Now(), false, l.network, l.local, l.remote, raw})
	m, err := ParseMessage(raw)
	switch {
	case err != nil:
		s.cfg.log.Debug("bad message", "element", s.cfg.name, "peer", l.remote, "err", err)
	case m.IsRequest():
		s.request(l, m)
	default:
		s.response(m)
	}
}

func (s *stack) response(m *Message) {
	s.mu.Lock()
	t := s.clients[clientKey(m)]
	s.mu.Unlock()
	if t != nil {
		t.receive(m)
	}
}

func (s *stack) request(l *link, m *Message) {
	markVia(l, m)
	t, again := s.server(l, m)
	switch {
	case m.Method() == "ACK":
		s.ack(l, m, t)
	case again:
		t.again()
	case t == nil: // no room
	case m.Method() == "CANCEL":
		s.cfg.onCancel(s.cancelled(m), t)
	default:
		s.cfg.onRequest(t)
	}
}

// ack stops a non-2xx answer's retransmissions, or goes to the user.
func (s *stack) ack(l *link, m *Message, invite *serverTx) {
	if invite != nil && invite.absorbs() {
		return
	}
	if s.cfg.onAck != nil {
		s.cfg.onAck(l, m)
	}
}

// markVia does RFC 3261 18.2.1 and RFC 3581 on the top Via.
func markVia(l *link, m *Message) {
	vias := m.All("Via")
	if len(vias) == 0 {
		return
	}
	ip, port := l.remote.Addr().String(), fmt.Sprint(l.remote.Port())
	top := strings.Split(vias[0], ";")
	for i, p := range top {
		if strings.TrimSpace(p) == "rport" {
			top[i] = "rport=" + port
			top = append(top, "received="+ip)
		}
	}
	vias[0] = strings.Join(top, ";")
	m.SetAll("Via", vias)
}

func (s *stack) pong(l *link) {
	if s.cfg.onPong != nil {
		s.cfg.onPong(l)
	}
}

// stun answers a binding request on a connection, or counts an answer.
func (s *stack) stun(l *link, raw []byte) {
	in := &stun.Message{Raw: raw}
	if in.Decode() != nil {
		return
	}
	if in.Type.Class != stun.ClassRequest {
		s.pong(l)
		return
	}
	mapped := &stun.XORMappedAddress{IP: l.remote.Addr().AsSlice(), Port: int(l.remote.Port())}
	if out, err := stun.Build(in, stun.BindingSuccess, mapped, stun.Fingerprint); err == nil {
		l.send(out.Raw)
	}
}

// background runs f in the stack's care; after close it runs in place.
func (s *stack) background(f func()) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		f()
		return
	}
	s.wg.Add(1)
	s.mu.Unlock()
	go func() {
		defer s.wg.Done()
		f()
	}()
}
