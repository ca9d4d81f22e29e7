package media

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"maps"
	"runtime"
	"slices"
	"sync"
	"time"
)

// Config is what a relay needs from its node.
type Config struct {
	Log      *slog.Logger
	Clock    func() time.Time // nil = time.Now
	Rand     io.Reader        // nil = crypto/rand
	Workers  int              // threads; 0 = one per processor
	OnSilent func(Silence)    // media of an active stream stopped; called from a goroutine of Run's
	SilentAt time.Duration    // how long that takes; 0 = 30 s
	PortRest time.Duration    // how long a used port rests; 0 = 30 s
	Pause    time.Duration    // how long packets may gather under load; 0 = 1 ms, negative = not
}

// Silence reports that nothing arrived from one side of a stream on which it
// should send.
type Silence struct {
	Session SessionID
	Trace   string
	Stream  int // m-line
	Side    Side
	For     time.Duration
	All     bool   // every stream of the session is silent on every side
	Cause   string // in plain words
}

// maxSessions bounds the table for calls that hold no port.
const maxSessions = 20000

// Why a relay cannot serve.
var (
	ErrClosed = errors.New("media relay is not running")
	errFull   = errors.New("media relay is full")
)

// Relay is one node's media plane.
type Relay struct {
	cfg     Config
	log     *slog.Logger
	clock   func() time.Time
	pause   time.Duration
	silence chan Silence

	channels channelTable
	marks    marks

	mu       sync.Mutex // guards the rest
	plan     Plan
	ports    *portPool
	workers  []*worker
	shared   []*socket // edge's link pair, one set per worker
	links    map[linkPlace]*coreLink
	sessions map[SessionID]*Session
	next     int // worker for the next session
	closed   bool
}

// New returns a relay that carries nothing until Apply and Run.
func New(cfg Config) *Relay {
	r := &Relay{cfg: cfg, log: cfg.Log, clock: cfg.Clock, pause: cfg.Pause,
		silence: make(chan Silence, 64), links: map[linkPlace]*coreLink{}, sessions: map[SessionID]*Session{}}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	if r.clock == nil {
		r.clock = time.Now
	}
	if r.cfg.Rand == nil {
		r.cfg.Rand = rand.Reader
	}
	if r.cfg.Workers <= 0 {
		r.cfg.Workers = runtime.GOMAXPROCS(0)
	}
	r.cfg.SilentAt = orDefault(cfg.SilentAt, 30*time.Second)
	r.cfg.PortRest = orDefault(cfg.PortRest, 30*time.Second)
	r.pause = orDefault(cfg.Pause, time.Millisecond)
	r.channels.m = map[uint32]*EdgeStream{}
	return r
}

func orDefault(d, usual time.Duration) time.Duration {
	if d == 0 {
		return usual
	}
	return d
}

// Plan is the plan in force.
func (r *Relay) Plan() Plan {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plan
}

// Apply makes plan real. Calls that are up keep their ports and addresses;
// new ones follow the plan. A plan that cannot be had leaves the old one.
func (r *Relay) Apply(p Plan) error {
	if err := p.Check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return ErrClosed
	case p == r.plan:
		return nil
	}
	if err := r.hireLocked(); err != nil {
		return err
	}
	if err := r.listenLocked(p); err != nil {
		return err
	}
	r.rangeLocked(p)
	r.plan = p
	r.remarkLocked(r.marks.set(p))
	return nil
}

// hireLocked makes the workers, once.
func (r *Relay) hireLocked() error {
	for len(r.workers) < r.cfg.Workers {
		w, err := newWorker(r)
		if err != nil {
			return err
		}
		r.workers = append(r.workers, w)
	}
	return nil
}

func (r *Relay) rangeLocked(p Plan) {
	var seed [8]byte
	io.ReadFull(r.cfg.Rand, seed[:]) // a short read only makes the order of ports easier to guess
	s := binary.NativeEndian.Uint64(seed[:])
	switch {
	case r.ports == nil:
		r.ports = newPortPool(p.PortStart, p.PortEnd, r.cfg.PortRest, s)
	case p.PortStart != r.plan.PortStart || p.PortEnd != r.plan.PortEnd:
		r.ports.setRange(p.PortStart, p.PortEnd, s)
	}
}

// Run carries packets until ctx ends, then closes every socket.
func (r *Relay) Run(ctx context.Context) error {
	r.mu.Lock()
	err := r.hireLocked()
	workers := slices.Clone(r.workers)
	r.mu.Unlock()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	for _, w := range workers {
		wg.Go(func() { w.run(ctx) })
	}
	wg.Go(func() { r.tell(ctx) })
	wg.Wait()
	r.close()
	return ctx.Err()
}

// tell hands silences to the role, off the packet path.
func (r *Relay) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-r.silence:
			if r.cfg.OnSilent != nil {
				r.cfg.OnSilent(s)
			}
		}
	}
}

func (r *Relay) close() {
	r.mu.Lock()
	r.closed = true
	sessions := slices.Collect(maps.Values(r.sessions))
	r.sessions = map[SessionID]*Session{}
	shared := r.shared
	r.shared = nil
	r.mu.Unlock()
	for _, s := range sessions {
		s.closeStreams()
	}
	for _, k := range shared {
		closeFD(k.fd)
	}
	for _, w := range r.workers {
		w.close()
	}
}

// afterAll runs f when every worker has ended the round it is in: by then no
// one holds what f closes.
func (r *Relay) afterAll(f func()) {
	steps := slices.Clone(r.workers)
	var next func()
	next = func() {
		if len(steps) == 0 {
			f()
			return
		}
		w := steps[0]
		steps = steps[1:]
		w.do(next)
	}
	next()
}
