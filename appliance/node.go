package appliance

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/core"
	"sallyport/appliance/edge"
	"sallyport/appliance/eventlog"
	"sallyport/appliance/overload"
	"sallyport/appliance/run"
	"sallyport/appliance/sshd"
	"sallyport/appliance/state"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Config is what a node needs of the place where it runs.
type Config struct {
	Role    xapi.Role
	Dir     string // everything that the node keeps; made if it is missing
	Name    string // what it is called until SystemUnit Name is set
	Version string
	First   string                  // xConfiguration lines that an empty store begins with
	LogOut  io.Writer               // gets the log as text; nil = nobody
	LogLate bool                    // LogOut may get it a moment later, many lines at a time
	Clock   func() time.Time        // nil = time.Now
	Load    func() overload.Reading // how busy the node is; nil = as busy as its process
	Host    Host                    // the machine, where it is the node's own; else nil
	Vault   Vault                   // keeps the key for passwords; nil = a file in Dir does
}

// Node is one edge or core.
type Node struct {
	cfg     Config
	started time.Time
	log     *slog.Logger
	events  *eventlog.Log
	tracer  *eventlog.Tracer
	alarms  *alarm.Book
	store   *config.Store
	state   *state.Store
	trust   *trust.Trust
	role    role
	door    *sshd.Server
	hub     hub
	servers nameServers
	names   *net.Resolver
	zones   *zone.Resolver

	nameWatch nameWatch
	vault     vault

	quit  context.CancelCauseFunc
	links struct {
		mu   sync.Mutex
		seen map[string]time.Time // by zone: when its link was up; never changed, only replaced
	}
	applied atomic.Int64 // revision that was last made real whole, plus one
}

// role is what the node asks of its edge or core.
type role interface {
	Apply(*config.Snapshot) error
	Run(context.Context) error
	Look(*config.Snapshot)
	Status(*xapi.Node)
	History(*xapi.Node)
	Do(ctx context.Context, name string, args xapi.Args) (*xapi.Node, bool, error)
	Ask(ctx context.Context, method string, in []byte) [][]byte
	Handle(method string, f func(context.Context, traversal.Peer, []byte) ([]byte, error))
}

// New opens what the node keeps and joins its parts. Nothing runs before Run;
// Close must be called if Run is not.
func New(cfg Config) (*Node, error) {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	n := &Node{cfg: cfg, started: cfg.Clock(), alarms: alarm.NewBook(cfg.Clock)}
	n.names = n.servers.resolver()
	n.zones = zone.NewResolver(cfg.Clock)
	if err := n.open(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Node) open() error {
	if err := os.MkdirAll(n.path("files"), 0o700); err != nil {
		return fmt.Errorf("data directory: %w", err)
	}
	if err := n.finishRestore(); err != nil {
		return fmt.Errorf("restore: %w", err)
	}
	var err error
	if n.trust, err = trust.Open(n.path("trust"), n.cfg.Clock); err != nil {
		return err
	}
	n.events = eventlog.New(eventlog.Config{
		Node: n.cfg.Name, Out: n.cfg.LogOut, OutLater: n.cfg.LogLate, File: n.path("log"), Clock: n.cfg.Clock,
		TLS:         func(name string) *tls.Config { return n.trust.ClientConfig(trust.Syslog, name) },
		TargetState: n.syslogState,
	})
	n.log = n.events.Logger()
	n.tracer = eventlog.NewTracer(n.cfg.Name, n.cfg.Clock)
	if err := n.openStore(); err != nil {
		return err
	}
	for _, lost := range n.store.Dropped() {
		n.log.Warn("commit dropped: this version cannot read it", "event", "rollback", "commit", lost.String())
	}
	if n.state, err = state.Open(n.path("state.db"), n.cfg.Clock); err != nil {
		return err
	}
	if err := n.openRole(); err != nil {
		return err
	}
	n.door, err = sshd.New(sshd.Config{
		Log: n.log, Now: n.cfg.Clock, KeyFile: n.path("ssh_host_key"), Folder: n.path("files"),
		Shell: n.shell,
	})
	return err
}

// openStore opens the configuration and gives an empty one its first lines.
func (n *Node) openStore() error {
	var err error
	n.store, err = n.openConfig()
	if err != nil || n.cfg.First == "" || n.store.Snapshot().Rev() > 0 {
		return err
	}
	report, err := n.store.Import(strings.NewReader(n.cfg.First), config.Who{User: "admin", From: "first boot"}, config.AllOrNothing)
	if err != nil {
		return fmt.Errorf("first lines: %w", err)
	}
	return firstRefusal(report)
}

// openConfig opens the configuration with this box's key for passwords.
func (n *Node) openConfig() (*config.Store, error) {
	key, older, err := n.passwordKeys()
	if err != nil {
		return nil, err
	}
	return config.Open(n.path("config.db"), config.Options{
		Role: n.cfg.Role, Clock: n.cfg.Clock, SealKey: key, OldKey: older, Checks: checks(n.cfg.Role),
	})
}

// FirstLineError is a first line that cannot be taken. None was, then.
type FirstLineError struct {
	Number int // from 1
	Why    string
}

func (e *FirstLineError) Error() string {
	return fmt.Sprintf("first lines: line %d: %s", e.Number, e.Why)
}

// firstRefusal is the first line that could not be taken, as an error.
func firstRefusal(r *config.Report) error {
	for _, l := range r.Lines {
		if l.Verdict == config.Refused {
			return &FirstLineError{l.Number, l.Why}
		}
	}
	if r.Error != nil {
		return fmt.Errorf("first lines: %w", r.Error)
	}
	return nil
}

func (n *Node) openRole() error {
	keys, err := n.trust.Keyring(n.cfg.Role.String(), rand.Reader)
	if err != nil {
		return err
	}
	host, err := n.trust.NodeKey(rand.Reader)
	if err != nil {
		return err
	}
	n.role = n.newRole(keys, host)
	n.bindTracing(n.role.Handle)
	return nil
}

func (n *Node) newRole(keys *trust.Keyring, host ed25519.PrivateKey) role {
	if n.cfg.Role == xapi.Edge {
		return edge.New(edge.Config{
			Log: n.log, Tap: sipTap{n.tracer}, Tracer: n.tracer, Clock: n.cfg.Clock, Rand: random, Alarms: n.alarms,
			Trust: n.trust, Zones: n.zones, Keys: keys, HostKey: host, Name: n.cfg.Name, Event: n.hub.event, Load: n.cfg.Load,
		})
	}
	return core.New(core.Config{
		Log: n.log, Tap: sipTap{n.tracer}, Tracer: n.tracer, Clock: n.cfg.Clock, Rand: random, Alarms: n.alarms,
		State: n.state, Resolver: n.names, Names: n.zones, Trust: n.trust, Keys: keys, HostKey: host, Name: n.cfg.Name, Event: n.hub.event, Load: n.cfg.Load,
	})
}

// Run serves until ctx ends, or until an administrator restarts the node: then
// the error is ErrRestart.
func (n *Node) Run(ctx context.Context) error {
	ctx, n.quit = context.WithCancelCause(ctx)
	defer n.quit(nil)
	g := run.NewGroup(n.log)
	g.OnFailure(func(name string, err error) {
		n.alarms.Raise(xapi.AlarmServiceFailed, name, fmt.Sprintf("%s: %v.", name, err))
	})
	g.Add("log", n.events.Run)
	g.Add("state", n.state.Run)
	g.Add("configuration", n.store.Run)
	g.Add("role", n.role.Run)
	g.Add("apply", n.apply)
	g.Add("audit", n.audit)
	g.Add("watch", n.watch)
	g.Add("names", n.watchNames)
	g.Add("ssh", n.door.Run)
	g.Add("console", n.console)
	err := g.Run(ctx)
	n.Close()
	if errors.Is(context.Cause(ctx), ErrRestart) {
		return ErrRestart
	}
	return err
}

// ErrRestart is why Run ended when an administrator asked for it.
var ErrRestart = errors.New("restart asked for")

// Close lets go of the files. It is called by Run.
func (n *Node) Close() {
	if n.store != nil {
		n.store.Close()
	}
	if n.state != nil {
		n.state.Close()
	}
	if n.events != nil {
		n.events.Close()
	}
}

// Store is the node's configuration.
func (n *Node) Store() *config.Store { return n.store }

// Trust is the node's certificates.
func (n *Node) Trust() *trust.Trust { return n.trust }

// Log is where whoever runs the node writes what belongs to its events.
func (n *Node) Log() *slog.Logger { return n.log }

func (n *Node) path(name string) string { return filepath.Join(n.cfg.Dir, name) }

// secret reads a random key from a file, made the first time.
func (n *Node) secret(name string, size int) ([]byte, error) {
	path := n.path(name)
	key, err := os.ReadFile(path)
	if err == nil && len(key) == size {
		return key, nil
	}
	if err == nil {
		return nil, fmt.Errorf("%s: %d bytes, want %d", path, len(key), size)
	}
	if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	key = make([]byte, size)
	rand.Read(key)
	return key, os.WriteFile(path, key, 0o600)
}

// random is for identifiers that nobody may guess.
func random() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:])
}
