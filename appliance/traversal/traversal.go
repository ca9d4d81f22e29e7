package traversal

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/appliance/door"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// ErrDown says that no peer that would do is connected.
var ErrDown = errors.New("traversal link is down")

// PeerID names a remote node. It is derived from the node's own key, so it
// stays the same across restarts of either end. Zero means any.
type PeerID uint64

// Peer is a remote node as it stands at the moment of a call.
type Peer struct {
	ID     PeerID
	Zone   string         // our traversal zone
	Node   string         // what the node calls itself
	Local  netip.AddrPort // our end of the SIP connection
	Remote netip.AddrPort // its end; media goes between these two addresses

	Maintenance bool // it takes nothing new
}

// Handler answers a request of a peer. ctx ends with the caller's patience or
// with the link.
type Handler func(ctx context.Context, p Peer, in []byte) ([]byte, error)

// Config is what a node gives its links. The functions On… are called from
// goroutines of the links; each may be nil.
type Config struct {
	Role  xapi.Role // Edge accepts, Core dials
	Log   *slog.Logger
	Clock func() time.Time
	Rand  io.Reader

	ServerTLS func() *tls.Config                // edge; must require and verify a client certificate
	ClientTLS func(peerName string) *tls.Config // core; must verify the peer's name
	HostKey   ed25519.PrivateKey                // this node towards its peers
	Ping      Probe                             // test of a quiet connection: core's of SIP, both ends' of SSH; zero means a sane one

	// OnMessage gets each SIP message, in order per connection, on the
	// connection's reader: what it does delays the next message. trace is the
	// value of X-Sallyport-Trace.
	OnMessage func(c *Conn, m *sip.Message, trace string)
	// OnFault gets what is no acceptable message. If the stream cannot be read
	// on, the connection is closed afterwards.
	OnFault func(c *Conn, f *sip.Fault)
	// OnClose is called once per connection, after its last message.
	OnClose func(c *Conn)
	// OnStream gets a stream that a peer opened, on a goroutine of its own. It
	// owns the stream and must close it, also when it hands it on.
	OnStream func(kind string, p Peer, c net.Conn)
	// OnPeer is told when a link comes up or goes down; per link one call at a
	// time and in order. It may use Call and OpenStream and take its time.
	OnPeer func(p Peer, up bool, why string)
}

// Links are all traversal links of one node. New, then Apply and Run in any
// order.
type Links struct {
	cfg       Config
	signer    ssh.Signer
	instance  string // tells a restarted node from a second connection
	budget    *budget
	connIDs   atomic.Uint64
	dir       atomic.Pointer[directory]
	notify    chan struct{} // a link's state has changed
	strangers *door.Count   // handshakes under way

	maintenance atomic.Bool // of this node

	mu       sync.Mutex
	ctx      context.Context // of Run; nil before
	plan     Plan
	servers  map[Server]*listener
	tunnels  map[netip.AddrPort]*listener
	dialers  map[Client]*dialer
	links    map[*link]struct{}
	handlers map[string]Handler
	refused  map[string]refusal // last one per zone
	wg       sync.WaitGroup
}

// New checks the configuration; it starts nothing. It panics without a host
// key, since nothing could be proven to a peer.
func New(cfg Config) *Links {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Ping == (Probe{}) {
		// Edge hears these pings, and the greeting tells it how long silence
		// may last.
		cfg.Ping = Probe{Quiet: 4 * time.Second, Retry: time.Second, Retries: 3}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	signer, err := ssh.NewSignerFromKey(cfg.HostKey)
	if err != nil {
		panic("traversal: host key: " + err.Error())
	}
	l := &Links{
		cfg: cfg, signer: signer, budget: newBudget(), strangers: door.NewCount(maxStrangers, maxPerSource), notify: make(chan struct{}, 1),
		servers: map[Server]*listener{}, tunnels: map[netip.AddrPort]*listener{}, dialers: map[Client]*dialer{},
		links: map[*link]struct{}{}, handlers: map[string]Handler{}, refused: map[string]refusal{},
	}
	l.instance = hex.EncodeToString(l.random(8))
	l.dir.Store(&directory{})
	l.Handle(methodPing, l.answerPing)
	l.Handle(methodMaintenance, l.answerMaintenance)
	return l
}

// Run keeps the links of the plan until ctx ends; everything that it started
// has ended when it returns.
func (l *Links) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	l.mu.Lock()
	if l.ctx != nil {
		l.mu.Unlock()
		return errors.New("traversal: Run called twice")
	}
	l.ctx = ctx
	err := l.reconcileLocked(l.plan)
	l.mu.Unlock()
	if err != nil {
		l.cfg.Log.Warn("traversal link not fully set up", "err", err)
	}
	l.tellPeers(ctx)
	l.end()
	return nil
}

// end closes all and waits.
func (l *Links) end() {
	l.mu.Lock()
	for k := range l.links {
		k.remove("this node shuts down")
	}
	l.reconcileLocked(Plan{})
	l.mu.Unlock()
	l.wg.Wait()
	l.tellNow()
	l.wg.Wait()
	l.mu.Lock()
	l.ctx = nil
	l.mu.Unlock()
}

// Apply makes a plan real: listeners and dialled peers that it has no more are
// closed, new ones start, what is unchanged is not touched. It may be called
// again with the same plan, which tries again what failed.
func (l *Links) Apply(p Plan) error {
	if l.cfg.Role == xapi.Core && len(p.Servers)+len(p.Tunnels) > 0 {
		return errors.New("traversal: core opens every connection and never listens")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.plan = p.clone()
	if l.ctx == nil || l.ctx.Err() != nil {
		return nil
	}
	return l.reconcileLocked(l.plan)
}

// Handle sets what answers a method of the control channel.
func (l *Links) Handle(method string, f func(ctx context.Context, p Peer, in []byte) ([]byte, error)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.handlers[method] = f
}

func (l *Links) handler(method string) Handler {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.handlers[method]
}

// Call asks a peer over the control channel and waits for its answer, at most
// callTimeout if ctx has no deadline. Zero peer means any that is up. An error
// that the peer's handler returned is a *RemoteError. A call that the peer
// cannot have got whole is asked again on the next control channel.
func (l *Links) Call(ctx context.Context, zone string, peer PeerID, method string, in []byte) ([]byte, error) {
	k := l.pick(zone, peer, "")
	if k == nil {
		return nil, ErrDown
	}
	if _, limited := ctx.Deadline(); !limited {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, callTimeout)
		defer stop()
	}
	for {
		c, err := k.awaitControl(ctx)
		if err != nil {
			return nil, err
		}
		out, err := c.call(ctx, method, in)
		if !errors.Is(err, errNotSent) {
			return out, err
		}
		k.dropControl(c) // it is ending: the next one takes the call
	}
}

// StreamRequest says what stream is wanted. Tag counts the stream for a user;
// a link is chosen by it when Peer is zero and several are up.
type StreamRequest struct {
	Zone string
	Peer PeerID
	Kind string // "http", "xmpp"
	Tag  string
}

// OpenStream opens a stream to any peer of a zone.
func (l *Links) OpenStream(ctx context.Context, zone, kind string) (net.Conn, error) {
	return l.Open(ctx, StreamRequest{Zone: zone, Kind: kind})
}

// Open opens a stream. ctx bounds only the opening.
func (l *Links) Open(ctx context.Context, r StreamRequest) (net.Conn, error) {
	k := l.pick(r.Zone, r.Peer, r.Tag)
	if k == nil {
		return nil, ErrDown
	}
	for {
		t, err := k.awaitStreams(ctx)
		if err != nil {
			return nil, err
		}
		s, err := t.open(r.Kind, r.Tag)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, errTunnelCut) {
			return nil, err // not s: a nil *Stream is no nil net.Conn
		}
		k.dropStreams(t) // it is ending: the next one takes the stream
	}
}

func (l *Links) random(n int) []byte {
	b := make([]byte, n)
	if _, err := io.ReadFull(l.cfg.Rand, b); err != nil {
		panic("traversal: no random bytes: " + err.Error())
	}
	return b
}

func (l *Links) changed() {
	select {
	case l.notify <- struct{}{}:
	default:
	}
}
