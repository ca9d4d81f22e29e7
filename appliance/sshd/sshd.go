package sshd

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gliderlabs/ssh"

	"sallyport/appliance/config"
)

// Shell is one session's shell, as the door needs it.
type Shell interface {
	// Interact edits lines and runs them until the client or the user ends it.
	Interact(ctx context.Context, rw io.ReadWriter) (exit int)
	// Script runs the lines of in, without editing or echo.
	Script(ctx context.Context, in io.Reader, out io.Writer) (exit int)
	// Once runs one line; in is what follows on the client's standard input.
	Once(ctx context.Context, line string, in io.Reader, out io.Writer) (exit int)
	// SetSize follows the client's window. Interrupt is Ctrl-C. Both may be
	// called at any time from any goroutine.
	SetSize(width, height int)
	Interrupt()
	// Close waits for what the shell started; the session is over by then.
	Close()
}

// Config is what a Server is built from. Log, Shell and KeyFile are needed.
type Config struct {
	Log     *slog.Logger
	Now     func() time.Time // nil: time.Now
	Random  io.Reader        // nil: crypto/rand
	KeyFile string           // host key, made the first time
	Folder  string           // the file folder for sftp; empty: no sftp
	Banner  string           // shown before login; empty: none
	Shell   func(user, from string) Shell
	Verify  func(hash, password string) bool // nil: as the configuration hashes
}

// Server is the SSH door. Apply may be called at any time, before, during and
// after Run; it is idempotent.
type Server struct {
	log   *slog.Logger
	cfg   Config
	lib   *ssh.Server
	gate  *gate
	plan  atomic.Pointer[Plan]
	files *folder

	apply     sync.Mutex // one Apply at a time
	mu        sync.Mutex // guards below
	listeners map[netip.AddrPort]net.Listener
	closed    bool
	fresh     chan net.Listener // to Run, which owns the accept loops

	checks chan struct{} // passwords being checked

	farewells chan struct{} // locked sources being told so

	work sync.WaitGroup // connections with their sessions
}

// New reads or makes the host key. It starts nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Random == nil {
		cfg.Random = rand.Reader
	}
	if cfg.Verify == nil {
		cfg.Verify = config.VerifyPassword
	}
	key, err := hostKey(cfg.KeyFile, cfg.Random)
	if err != nil {
		return nil, err
	}
	s := &Server{
		log:       cfg.Log,
		cfg:       cfg,
		gate:      newGate(cfg.Now),
		listeners: map[netip.AddrPort]net.Listener{},
		checks:    make(chan struct{}, maxChecks),
		farewells: make(chan struct{}, maxFarewells),
		fresh:     make(chan net.Listener, maxListen),
	}
	if s.files, err = openFolder(cfg.Folder); err != nil {
		return nil, err
	}
	s.plan.Store(&Plan{})
	s.lib = s.library(key)
	return s, nil
}

// version is what the server calls itself behind SSH-2.0-.
const version = "sallyport"

// library sets every handler, also those that refuse: the library lets
// everybody in when it finds none.
func (s *Server) library(key ssh.Signer) *ssh.Server {
	return &ssh.Server{
		Version:              version,
		Banner:               s.cfg.Banner,
		HostSigners:          []ssh.Signer{key},
		PasswordHandler:      s.password,
		PublicKeyHandler:     s.offered,
		ServerConfigCallback: s.config,
		ConnCallback: func(ctx ssh.Context, nc net.Conn) net.Conn {
			ctx.SetValue(connKey{}, nc)
			return nc
		},
		ChannelHandlers:   map[string]ssh.ChannelHandler{"session": s.session},
		RequestHandlers:   map[string]ssh.RequestHandler{},
		SubsystemHandlers: map[string]ssh.SubsystemHandler{},
	}
}

// Apply makes p real: listeners that p does not name are closed, new ones are
// opened, and connections of accounts and keys that p no longer has are cut.
// An address that cannot be bound is an error; all else of p holds anyway, so
// that a mistyped port does not shut out who would mend it: while no address
// of p can be bound the old listeners stay.
func (s *Server) Apply(p Plan) error {
	s.apply.Lock()
	defer s.apply.Unlock()
	s.plan.Store(&p)
	for _, c := range s.gate.all() {
		if id := c.id.Load(); id != nil && !p.stillAllows(id) {
			s.log.Info("ssh session cut: account or key is gone", "user", id.user, "from", c.from)
			c.Close()
		}
	}
	return s.listen(p.Listen)
}

// Run accepts until ctx ends, then closes everything and waits for all of it.
// A Server runs once.
func (s *Server) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	for {
		select {
		case l := <-s.fresh:
			loops.Go(func() { s.accept(ctx, l) })
		case <-ctx.Done():
			s.shut()
			loops.Wait()
			for _, c := range s.gate.all() {
				c.Close()
			}
			s.work.Wait()
			return s.files.Close()
		}
	}
}

// contain keeps a panic inside one connection.
func (s *Server) contain(where string) {
	if r := recover(); r != nil {
		s.log.Error("ssh panic contained", "where", where, "panic", r, "stack", string(debug.Stack()))
	}
}
