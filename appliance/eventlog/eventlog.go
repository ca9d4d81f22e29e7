// Package eventlog is where every line a node says about itself goes: a slog
// handler that masks secrets centrally, keeps the newest entries in a bounded
// ring, writes them to a rotating file and sends them to remote syslog
// targets. It also holds the Tracer, which follows one user's requests.
//
// It knows nothing of configuration: the node calls SetLevel and SetSyslog
// when a snapshot changes. Any package logs through Logger; shell and web
// read Recent. Logging never waits for a disk or a peer: what a slow file or
// target cannot take is dropped and counted.
package eventlog

import (
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Log needs at birth. Its zero value keeps a ring only.
type Config struct {
	Node string    // this node's name, "edge1"; in every line and syslog message
	Out  io.Writer // gets each line at once, under a lock; nil for none
	// OutLater lets Out get its lines a moment later, many at a time, while Run
	// runs: for what is kept, not read as it comes.
	OutLater bool
	Ring     int // entries kept for Recent; 0 means 2048

	File     string // rotated file, "" for none; written only while Run runs
	FileSize int64  // bytes before the file is rotated; 0 means 8 MiB
	FileKeep int    // rotated files kept beside it; 0 means 4

	Clock func() time.Time // nil means time.Now

	// TLS gives the client configuration for a secure syslog target, whose
	// certificate must carry the given name. nil refuses such targets.
	TLS func(peerName string) *tls.Config
	// Dial opens syslog connections; nil means a plain net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	// TargetState hears when a target becomes unreachable or comes back, so
	// that the node can raise and lower an alarm. Called from Run's goroutines.
	TargetState func(target SyslogTarget, up bool, why string)
}

// A Log is one node's log. All its methods may be called from any goroutine.
type Log struct {
	cfg   Config
	level slog.LevelVar
	ring  ring
	file  *fileSink // nil without a file
	kept  *spool    // what waits for file; nil without
	later *spool    // what waits for Out; nil where it gets each line at once

	outMu   sync.Mutex // serialises Out
	running atomic.Bool

	targets struct {
		sync.Mutex
		wanted []SyslogTarget
	}
	senders atomic.Pointer[[]*sender] // what dispatch feeds; replaced by Run
	wake    chan struct{}             // tells Run that wanted changed
}

// New makes a log that is ready to take lines. File and syslog targets are
// served only while Run runs.
func New(cfg Config) *Log {
	if cfg.Ring <= 0 {
		cfg.Ring = 2048
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: dialTimeout}).DialContext
	}
	l := &Log{cfg: cfg, wake: make(chan struct{}, 1)}
	l.ring.entries = make([]Entry, 0, min(cfg.Ring, 64))
	l.ring.max = cfg.Ring
	if cfg.File != "" {
		l.file = newFileSink(cfg.File, cfg.FileSize, cfg.FileKeep)
		l.kept = newSpool(l.file.write)
	}
	if cfg.Out != nil && cfg.OutLater {
		l.later = newSpool(plainly(cfg.Out))
	}
	return l
}

// Logger gives the structured logger that feeds this log.
func (l *Log) Logger() *slog.Logger { return slog.New(&handler{log: l}) }

// SetLevel changes, at once, the lowest level that is kept.
func (l *Log) SetLevel(level slog.Level) { l.level.Set(level) }

// Level tells the lowest level that is kept.
func (l *Log) Level() slog.Level { return l.level.Level() }

// Recent gives up to n of the newest entries, oldest first; n <= 0 gives all
// that the ring holds.
func (l *Log) Recent(n int) []Entry { return l.ring.recent(n) }

// Run writes the file and serves the syslog targets until ctx ends.
func (l *Log) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	l.running.Store(true)
	for _, s := range [...]*spool{l.kept, l.later} {
		if s != nil {
			wg.Go(func() { s.run(ctx) })
		}
	}
	l.serveTargets(ctx)
	wg.Wait()
	l.running.Store(false)
	if l.later != nil {
		l.later.flush() // what came since it ended
	}
	return nil
}

// Close lets go of the file. Run must have returned.
func (l *Log) Close() {
	if l.file != nil {
		l.file.close()
	}
}

// Dropped counts the lines that the file and the current syslog targets could
// not take.
func (l *Log) Dropped() uint64 {
	var n uint64
	for _, s := range [...]*spool{l.kept, l.later} {
		if s != nil {
			n += s.dropped.Load()
		}
	}
	if senders := l.senders.Load(); senders != nil {
		for _, s := range *senders {
			n += s.dropped.Load()
		}
	}
	return n
}

// lines lends the memory in which a line is written.
var lines = sync.Pool{New: func() any {
	b := make([]byte, 0, 512)
	return &b
}}

// write hands one masked entry to every sink.
func (l *Log) write(e Entry) {
	l.ring.add(e)
	if l.cfg.Out != nil || l.file != nil {
		p := lines.Get().(*[]byte)
		line := e.AppendLine((*p)[:0])
		l.say(e.Level, line)
		if l.kept != nil {
			l.kept.offer(e.Level, line)
		}
		*p = line
		lines.Put(p)
	}
	if senders := l.senders.Load(); senders != nil {
		for _, s := range *senders {
			s.offer(e)
		}
	}
}

// say writes a line to Out, if there is one.
func (l *Log) say(level slog.Level, line []byte) {
	switch {
	case l.cfg.Out == nil:
	case l.later != nil && l.running.Load():
		l.later.offer(level, line)
	default:
		l.outMu.Lock()
		_, _ = l.cfg.Out.Write(line) // a log has nowhere to report its own loss
		l.outMu.Unlock()
	}
}
