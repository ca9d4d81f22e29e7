package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"time"
)

// PathMode is what a registrar does with RFC 3327 Path and RFC 5626 outbound.
type PathMode uint8

// The modes that registrars in the field have.
const (
	PathOff      PathMode = iota // Path is ignored: calls go to Contact
	PathLazy                     // Path is kept, and shown in the 200 only if asked
	PathStrict                   // Path without Supported: path gets 420
	PathOutbound                 // strict, and RFC 5626 registrations
)

// RegistrarConfig describes a stub call control.
type RegistrarConfig struct {
	Domain   string
	Accounts map[string]string // user to password
	Hosts    map[string]netip.Addr

	UDP, TCP, TLS netip.AddrPort // invalid: not listened; port 0: any
	ServerTLS     *tls.Config
	ClientTLS     *tls.Config // for its own connections to contacts

	Trunk  netip.AddrPort            // TCP: where trunks come in, which take no REGISTER; invalid: nowhere
	Trunks map[string]netip.AddrPort // by domain: the far end of the trunk that calls there leave by, over TCP

	Path           PathMode
	Persist        bool                                      // session persistency: calls follow a device to where it registers
	NoRecordRoute  bool                                      // leave the dialog after its first request
	B2BUA          bool                                      // calls pass as two dialogs, as by Unified CM; else it is a proxy
	PassICE        bool                                      // a B2BUA leaves ICE in the descriptions of calls
	Open           bool                                      // REGISTER without challenge
	Bearer         func(token string) (user string, ok bool) // whose an access token is; nil: tokens are not read
	ChallengeCalls bool                                      // 407 for requests that start something
	CallToken      func(token string) bool                   // what begins something over TLS must bear an access token that it likes
	MaxExpires     time.Duration                             // 0 means 1 h
	NonceLife      time.Duration                             // 0 means 5 min
	T1             time.Duration                             // 0 means 500 ms
	Log            *slog.Logger

	// Hook sees every request first; if it answers (status > 0) nothing else
	// happens. It runs on a reader and must not block.
	Hook func(*Message) (status int, reason string)
}

// Registrar is a stub call control: registrar, location service, stateful
// forking proxy, and notifier of presence and waiting messages. A binding
// outlives its connection until it expires, as in most registrars.
type Registrar struct {
	*stack
	cfg    RegistrarConfig
	digest *digestServer
	addrs  map[string]netip.AddrPort
	life   context.Context
	quit   context.CancelFunc

	mu       sync.Mutex // guards all below
	also     []string   // further domains
	bindings map[string][]*Binding
	forks    map[*serverTx]*fork
	rests    chan struct{}        // closed when forks is empty again; nil if nobody waits
	states   map[string]published // by event and user
	legs     map[string]*callLeg  // of calls that it stays in
	watchers map[string]*watcher  // by Call-ID and tag

	lines lineStates
	own   ownDialogs
	back  *CallBacks // mu guards it
}

// NewRegistrar returns a registrar that is not started.
func NewRegistrar(cfg RegistrarConfig) *Registrar {
	setDefault(&cfg.MaxExpires, time.Hour)
	setDefault(&cfg.NonceLife, 5*time.Minute)
	cfg.NoRecordRoute = cfg.NoRecordRoute || cfg.Persist
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	r := &Registrar{cfg: cfg, addrs: map[string]netip.AddrPort{}, bindings: map[string][]*Binding{},
		forks: map[*serverTx]*fork{}, states: map[string]published{}, legs: map[string]*callLeg{}, watchers: map[string]*watcher{}}
	r.life, r.quit = context.WithCancel(context.Background())
	r.digest = &digestServer{realm: cfg.Domain, life: cfg.NonceLife, nonces: map[string]*nonce{}, password: r.password}
	r.stack = newStack(stackConfig{name: cfg.Domain, log: cfg.Log, t1: cfg.T1, dialTLS: cfg.ClientTLS,
		onRequest: r.onRequest, onCancel: r.onCancel, onAck: r.onAck})
	return r
}

func (r *Registrar) password(user string) (string, bool) {
	p, ok := r.cfg.Accounts[user]
	return p, ok
}

// Start opens the listeners; after an error Close must still be called.
func (r *Registrar) Start() error {
	for network, addr := range map[string]netip.AddrPort{"UDP": r.cfg.UDP, "TCP": r.cfg.TCP, "TLS": r.cfg.TLS} {
		if !addr.IsValid() {
			continue
		}
		bound, err := r.listen(network, addr, r.cfg.ServerTLS)
		if err != nil {
			return err
		}
		r.addrs[network] = bound
	}
	if r.cfg.Trunk.IsValid() {
		_, err := r.listen("TCP", r.cfg.Trunk, nil)
		return err
	}
	return nil
}

// Addr is the address listened on for UDP, TCP or TLS; call it after Start.
func (r *Registrar) Addr(network string) netip.AddrPort { return r.addrs[network] }

// Close ends everything and waits.
func (r *Registrar) Close() {
	r.quit()
	r.stack.close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.watchers {
		w.expiry.Stop()
	}
}

// SelfSigned makes a short-lived certificate for names and addresses, with its
// own PEM as the authority to trust.
func SelfSigned(names []string, ips []netip.Addr) (*tls.Config, []byte, error) {
	certPEM, keyPEM, err := selfSigned(names, ips)
	if err != nil {
		return nil, nil, err
	}
	conf, err := ServerTLS(certPEM, keyPEM)
	return conf, certPEM, err
}

// ServerTLS makes a server's configuration from PEM.
func ServerTLS(certPEM, keyPEM []byte) (*tls.Config, error) {
	cert, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return nil, fmt.Errorf("lab: certificate: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// ClientTLS makes a client's configuration that trusts one authority and shows
// a certificate if it has one.
func ClientTLS(caPEM []byte, serverName string, own *tls.Config) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(caPEM) {
		return nil, fmt.Errorf("lab: no certificate in the authority's PEM")
	}
	conf := &tls.Config{RootCAs: pool, ServerName: serverName, MinVersion: tls.VersionTLS12}
	if own != nil {
		conf.Certificates = own.Certificates
	}
	return conf, nil
}
