package flow

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/sip"
)

// Config is what Flows needs. OnMessage is required, TLS where a listener is TLS.
type Config struct {
	Log   *slog.Logger
	Clock func() time.Time

	// TLS gives the configuration for connections that come to a listener.
	TLS func(l Listener) *tls.Config

	// OnMessage gets each whole message, in its reader's goroutine and in the
	// order of the connection. It must not block.
	OnMessage func(c *Conn, m *sip.Message)

	// OnFault gets each message that the parser refuses, to be answered if it
	// can be. OnClose is called once, after the connection's last message.
	OnFault func(c *Conn, f *sip.Fault)
	OnClose func(c *Conn)

	// OnListen tells that a listener was bound (nil) or could not be; it is
	// tried again, and told only when the answer changes.
	OnListen func(l Listener, err error)

	// ZoneOf names the zone of who connects; nil means the listener's.
	ZoneOf func(l Listener, remote netip.AddrPort) string

	// Tap sees every message and keepalive as it is read and sent; nil: nobody.
	Tap func(c *Conn, sent bool, b []byte)

	// AllowDial lets Dial open connections. Edge never does.
	AllowDial bool
}

// Flows holds the listeners and connections of one node.
type Flows struct {
	cfg     Config
	limits  atomic.Pointer[Limits]
	ids     atomic.Uint64
	sources sources
	shaking shaking
	count   counters
	ctx     context.Context
	cancel  context.CancelFunc
	wait    sync.WaitGroup
	wake    chan struct{} // Run looks at failed listeners again
	apply   sync.Mutex    // one Apply at a time

	mu        sync.Mutex // guards what follows; never held over I/O or a callback
	state     flowsState
	listeners map[Listener]*listener
	conns     map[uint64]*Conn
	pool      pool
}

type flowsState uint8

const (
	made flowsState = iota
	running
	ended
)

// ErrEnded is returned once Run has ended.
var ErrEnded = errors.New("flow: ended")

// New returns a Flows that listens nowhere yet.
func New(cfg Config) *Flows {
	if cfg.OnMessage == nil {
		panic("flow: Config without OnMessage")
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	f := &Flows{cfg: cfg, wake: make(chan struct{}, 1),
		listeners: map[Listener]*listener{}, conns: map[uint64]*Conn{}}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	f.limits.Store(new(Limits).withDefaults())
	f.pool.init()
	// Links number their connections too, with the top bit set; a random start
	// keeps the numbers apart from those of any other Flows.
	f.ids.Store(rand.Uint64() >> 2)
	return f
}

// Apply makes the plan true: listeners that it lacks are closed with their
// connections, new ones are bound. What cannot be bound is reported, here and
// through OnListen, and tried again while Run runs. Applying a plan twice
// changes nothing.
func (f *Flows) Apply(p Plan) error {
	f.apply.Lock()
	defer f.apply.Unlock()
	f.limits.Store(p.Limits.withDefaults())
	f.sources.resize(f.limits.Load())
	gone, err := f.replan(p.Listeners)
	if err != nil {
		return err
	}
	for _, l := range gone {
		l.close()
		f.closeConns(l.Listener)
	}
	return f.bind()
}

// replan notes which listeners are wanted and returns those that are not.
func (f *Flows) replan(want []Listener) (gone []*listener, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == ended {
		return nil, ErrEnded
	}
	for spec, l := range f.listeners {
		if !slices.Contains(want, spec) {
			gone = append(gone, l)
			delete(f.listeners, spec)
		}
	}
	for _, spec := range want {
		if f.listeners[spec] == nil {
			f.listeners[spec] = &listener{Listener: spec, flows: f}
		}
	}
	return gone, nil
}

func (f *Flows) closeConns(l Listener) {
	for _, c := range f.Conns() {
		if c.listener == l && !c.dialled {
			c.Close()
		}
	}
}

// Conns returns the connections that are open now, UDP left out.
func (f *Flows) Conns() []*Conn {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make([]*Conn, 0, len(f.conns))
	for _, c := range f.conns {
		all = append(all, c)
	}
	return all
}

// Run accepts connections until ctx ends, then closes everything and waits for
// all readers.
func (f *Flows) Run(ctx context.Context) error {
	f.begin()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(f.untilRetry())
		select {
		case <-ctx.Done():
			f.end()
			return nil
		case <-timer.C:
			f.rebind()
		case <-f.wake:
		}
	}
}

func (f *Flows) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == made {
		f.state = running
	}
	for _, l := range f.listeners {
		l.serveLocked()
	}
}

func (f *Flows) end() {
	f.mu.Lock()
	f.state = ended
	var close []*listener
	for _, l := range f.listeners {
		close = append(close, l)
	}
	f.listeners = map[Listener]*listener{}
	f.mu.Unlock()
	f.cancel()
	for _, l := range close {
		l.close()
	}
	for _, c := range f.Conns() {
		c.Close()
	}
	f.wait.Wait()
}

// run starts a goroutine of ours, unless we have ended.
func (f *Flows) run(g func()) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == ended {
		return false
	}
	f.wait.Go(g)
	return true
}

// add takes a connection in if there is room.
func (f *Flows) add(c *Conn) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.state == ended || len(f.conns) >= f.limits.Load().Connections {
		return false
	}
	f.conns[c.id] = c
	return true
}

func (f *Flows) remove(c *Conn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.conns, c.id)
	f.pool.removeLocked(c)
}
