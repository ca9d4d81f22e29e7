package turn

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/turn/v5"

	"sallyport/appliance/door"
)

// Config is what a Server needs of its node. Log and Secret must be set.
type Config struct {
	Log      *slog.Logger
	TLS      *tls.Config // for clients that begin with TLS; nil: they fail
	Secret   Secret
	Clock    func() time.Time                                     // nil: time.Now
	OnListen func(network string, addr netip.AddrPort, err error) // nil err: bound, or not wanted any more
}

// Server is edge's TURN server.
type Server struct {
	cfg      Config
	plan     atomic.Pointer[Plan]
	book     *book
	conns    *door.Count
	udp, tcp door.Listeners
	quiet    door.Seldom

	mu     sync.Mutex
	guests map[string]*guest // by the client's address

	bytesIn, bytesOut atomic.Int64
}

// New returns a server that listens nowhere yet.
func New(cfg Config) *Server {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.OnListen == nil {
		cfg.OnListen = func(string, netip.AddrPort, error) {}
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{}
	}
	s := &Server{cfg: cfg, book: newBook(cfg.Clock), conns: door.NewCount(maxConns, maxConnsSource), quiet: door.Seldom{Clock: cfg.Clock}, guests: map[string]*guest{}}
	s.plan.Store(&Plan{})
	s.udp = door.Listeners{Service: "turn over UDP", Bind: bindUDP, Told: func(a netip.AddrPort, err error) { cfg.OnListen("UDP", a, err) }}
	s.tcp = door.Listeners{Service: "turn over TCP", Told: func(a netip.AddrPort, err error) { cfg.OnListen("TCP", a, err) }}
	return s
}

func bindUDP(a netip.AddrPort) (net.Listener, error) {
	c, err := net.ListenPacket("udp"+door.Family(a.Addr()), a.String())
	if err != nil {
		return nil, err
	}
	return packets{c}, nil
}

// Apply makes a plan real. Relays go on unless the port that their client came
// to is not wanted any more, or the realm or the outside address is another. It
// may be called again with the same plan, which tries again what failed.
func (s *Server) Apply(p Plan) error {
	before := s.plan.Swap(&p)
	s.book.setRange(p.PortStart, p.PortEnd)
	if before.Realm != p.Realm || before.Advertise != p.Advertise {
		s.udp.Apply(nil) // what clients were told does not hold any more
		s.tcp.Apply(nil)
	}
	return errors.Join(s.udp.Apply(p.over(p.UDP)), s.tcp.Apply(p.over(p.TCP)))
}

// over is where to listen, if at all.
func (p *Plan) over(on bool) []netip.AddrPort {
	if !on {
		return nil
	}
	return p.Listen
}

// Key is what a core needs to make credentials for a domain's users.
func (s *Server) Key(domain string) []byte { return s.cfg.Secret.Key(domain) }

// Run serves until ctx ends, and may be run again. When it returns every relay
// is closed.
func (s *Server) Run(ctx context.Context) error {
	var wait sync.WaitGroup
	wait.Go(func() { s.udp.Run(ctx, s.servePackets) })
	wait.Go(func() { s.tcp.Run(ctx, func(open net.Listener) error { return s.serveStreams(ctx, open) }) })
	wait.Wait()
	return nil
}

func (s *Server) servePackets(open net.Listener) error {
	lend, conn := &lender{s: s}, &socket{PacketConn: open.(packets).PacketConn, over: make(chan struct{}), asks: door.NewRation[string](s.cfg.Clock)}
	conf := s.config("UDP")
	conf.PacketConnConfigs = []turn.PacketConnConfig{{PacketConn: conn, RelayAddressGenerator: lend, PermissionHandler: s.permit}}
	if _, err := turn.NewServer(conf); err != nil {
		return err
	}
	<-conn.over
	lend.open.Wait()
	return net.ErrClosed
}

func (s *Server) serveStreams(ctx context.Context, open net.Listener) error {
	lend, hall := &lender{s: s, stream: true}, newLobby(s, open.Addr())
	conf := s.config("TCP")
	conf.ListenerConfigs = []turn.ListenerConfig{{Listener: hall, RelayAddressGenerator: lend, PermissionHandler: s.permit}}
	if _, err := turn.NewServer(conf); err != nil {
		return err
	}
	err := door.Accept(ctx, open, nil, hall.take)
	hall.Close()
	hall.wait.Wait()
	lend.open.Wait()
	return err
}

// config is what all listeners have in common.
func (s *Server) config(over string) turn.ServerConfig {
	return turn.ServerConfig{
		LoggerFactory: loggers{s.cfg.Log, &s.quiet},
		Realm:         s.plan.Load().Realm,
		AuthHandler:   s.authenticate,
		QuotaHandler:  func(user, _ string, client net.Addr) bool { return s.book.room(user, client) },
		EventHandler: turn.EventHandler{
			OnAuth: func(client, _ net.Addr, _, _, _, _ string, ok bool) { s.judged(client, ok) },
			OnAllocationCreated: func(client, _ net.Addr, _, user, _ string, relayed net.Addr, _ int) {
				s.created(client, over, user, relayed)
			},
			OnAllocationDeleted: func(client, _ net.Addr, _, user, _ string) {
				s.book.deleted(client)
				s.cfg.Log.Info("turn relay ended", "event", "turn", "user", user, "client", client.String())
			},
			OnPermissionCreated: func(client, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
				s.book.permission(client, addrOf(peer), true)
			},
			OnPermissionDeleted: func(client, _ net.Addr, _, _, _ string, _ net.Addr, peer net.IP) {
				s.book.permission(client, addrOf(peer), false)
			},
			OnChannelCreated: func(client, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) { s.book.channel(client, 1) },
			OnChannelDeleted: func(client, _ net.Addr, _, _, _ string, _, _ net.Addr, _ uint16) { s.book.channel(client, -1) },
		},
	}
}

// authenticate finds a user's key. Who guesses gets none for a while.
func (s *Server) authenticate(ra *turn.RequestAttributes) (string, []byte, bool) {
	if s.book.guesses(ra.SrcAddr) {
		return "", nil, false
	}
	user, key, ok := s.cfg.Secret.owner(s.plan.Load(), ra.Username, s.cfg.Clock())
	if !ok {
		s.judged(ra.SrcAddr, false)
	}
	return user, key, ok
}

// judged follows whether requests were proven.
func (s *Server) judged(client net.Addr, ok bool) {
	if !ok {
		s.book.guessed(client)
		if skipped, now := s.quiet.Now(); now {
			s.cfg.Log.Warn("turn credentials refused", "event", "denied", "client", client.String(), "rule", "turn-credentials", "skipped", skipped)
		}
		return
	}
	if g := s.guest(client); g != nil {
		g.known.Store(true)
	}
}

func (s *Server) created(client net.Addr, over, user string, relayed net.Addr) {
	if g := s.guest(client); g != nil {
		over = g.over()
	}
	s.book.created(client, over, user, relayed)
	s.cfg.Log.Info("turn relay", "event", "turn", "user", user, "client", client.String(), "over", over, "relay", relayed.String())
}

// permit is pion's permission handler.
func (s *Server) permit(client net.Addr, ip net.IP) bool {
	peer := addrOf(ip)
	rule, ok := s.plan.Load().Peer(peer)
	if ok && s.book.crowded(client, peer) {
		rule, ok = RuleCrowded, false
	}
	if ok {
		s.cfg.Log.Debug("turn peer", "client", client.String(), "peer", peer.String(), "rule", rule)
		return true
	}
	s.book.deny()
	if skipped, now := s.quiet.Now(); now {
		s.cfg.Log.Warn("turn peer denied", "event", "denied", "client", client.String(), "peer", peer.String(), "rule", rule, "skipped", skipped)
	}
	return false
}

func addrOf(ip net.IP) netip.Addr {
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

func (s *Server) guest(client net.Addr) *guest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.guests[place(client)]
}

// setGuest files the connection of an address, or forgets it.
func (s *Server) setGuest(client net.Addr, g *guest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g == nil {
		delete(s.guests, place(client))
		return
	}
	s.guests[place(client)] = g
}
