package lab

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Keepalive is how a phone keeps its connection open.
type Keepalive uint8

// The keepalives of RFC 5626.
const (
	NoKeepalive Keepalive = iota
	CRLFKeepalive
	STUNKeepalive
)

// PhoneConfig describes one softphone.
type PhoneConfig struct {
	User, Password, Domain string
	Device                 string // device name, put into Contact when set
	Push                   string // push parameters of its Contact in registrations, as PushParams makes them

	Server     netip.AddrPort // where it connects and registers
	Transport  string         // UDP, TCP or TLS (default)
	ServerName string         // name checked in the server's certificate
	CA         []byte         // PEM of the authority that it trusts
	Local      netip.Addr     // its own address, for signalling and media
	Listen     bool           // it can be called at its own address: inside phones, UDP or TCP
	ServerTLS  *tls.Config    `json:"-"` // lets it listen for TLS, too

	Expires   time.Duration // asked at registration; 0 means 10 min
	Outbound  bool          // RFC 5626: +sip.instance and reg-id
	RegID     int           // 0 means 1
	Instance  string        // URN; made up when empty
	Keepalive Keepalive
	Every     time.Duration // between keepalives; 0 means 25 s
	Reconnect bool          // come back by itself after a lost connection
	Refresh   bool          // re-register by itself at half of the expiry

	Suites     []Suite                   // SRTP suites in order of liking; none means plain RTP
	ICE        bool                      // looks for direct paths
	TURN       *TURN                     // lends addresses for them; nil: nobody does
	Wall       func(netip.AddrPort) bool `json:"-"` // addresses that a firewall keeps its media sockets from
	Tone       float64                   // Hz of the tone that it speaks; 0 means 440
	Mux        bool                      // offer RTP and RTCP on one port
	AutoAnswer bool
	Persist    bool // session persistency
	Fallback   bool // says that it takes RTP for SRTP, as Cisco's phones do
	Busy       bool // answers 486 to everyone
	Tapes      bool // keeps a minute of what each media line hears
	Reliable   bool // sends and understands reliable provisional answers
	Log        *slog.Logger
}

// Phone is a softphone: one registration, any number of calls. Its methods may
// be called from any goroutine.
type Phone struct {
	*stack
	cfg      PhoneConfig
	incoming chan *Call
	inbox    chan Text
	registry string // Call-ID of the registration

	mu     sync.Mutex // guards all below
	link   *link      // the connection to the server
	local  netip.AddrPort
	regSeq uint32
	auth   *challenge // answered again on a refresh
	token  string     // answers a Bearer challenge
	lease  time.Duration
	pongs  int
	calls  map[string]*Call // by Call-ID
	subs   map[string]*Subscription
	state  string // what its watchers are told
	quit   context.CancelFunc
	lost   chan struct{} // the connection has gone

	watched []*phoneWatcher
	closing bool
}

// challenge is a registrar's last question, with the count of answers.
type challenge struct {
	header, value string
	count         int
}

// Text is an instant message that came in.
type Text struct{ From, Body string }

const (
	maxCalls   = 4096
	maxWaiting = 256 // calls and messages that nobody has taken yet
)

// NewPhone returns a phone that is not connected yet.
func NewPhone(cfg PhoneConfig) (*Phone, error) {
	conf, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	p := &Phone{cfg: cfg, registry: randomHex(12), calls: map[string]*Call{}, subs: map[string]*Subscription{},
		incoming: make(chan *Call, maxWaiting), inbox: make(chan Text, maxWaiting), lost: make(chan struct{}, 1)}
	p.stack = newStack(stackConfig{name: cfg.User, log: cfg.Log, dialTLS: conf, onRequest: p.onRequest,
		onCancel: p.onCancel, onAck: p.onAck, onClosed: p.onClosed, onPong: p.onPong})
	return p, nil
}

func (cfg *PhoneConfig) complete() (*tls.Config, error) {
	cfg.Transport = strings.ToUpper(cfg.Transport)
	setDefault(&cfg.Transport, "TLS")
	setDefault(&cfg.Instance, "<urn:uuid:"+uuid()+">")
	setDefault(&cfg.ServerName, cfg.Domain)
	setDefault(&cfg.Expires, 10*time.Minute)
	setDefault(&cfg.Every, 25*time.Second)
	setDefault(&cfg.RegID, 1)
	setDefault(&cfg.Tone, 440)
	cfg.Listen = cfg.Listen || cfg.Transport == "UDP"
	if cfg.Listen && cfg.Transport == "TLS" && cfg.ServerTLS == nil {
		return nil, fmt.Errorf("lab: phone %s cannot listen for TLS", cfg.User)
	}
	conf := &tls.Config{ServerName: cfg.ServerName, MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if cfg.Transport == "TLS" && !conf.RootCAs.AppendCertsFromPEM(cfg.CA) {
		return nil, fmt.Errorf("lab: phone %s has no authority to trust", cfg.User)
	}
	return conf, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func uuid() string {
	h := randomHex(16)
	return strings.Join([]string{h[:8], h[8:12], "4" + h[13:16], "8" + h[17:20], h[20:]}, "-")
}

// Start opens the phone's sockets and its connection. It does not register.
func (p *Phone) Start(ctx context.Context) error {
	if p.cfg.Listen {
		if err := p.open(); err != nil {
			return err
		}
	}
	if err := p.Connect(ctx); err != nil {
		return err
	}
	life, quit := context.WithCancel(context.Background())
	p.mu.Lock()
	p.quit = quit
	p.mu.Unlock()
	p.wg.Go(func() { p.tend(life) })
	return nil
}

// open listens at the phone's own address (UDP or TCP).
func (p *Phone) open() error {
	ap, err := p.listen(p.cfg.Transport, netip.AddrPortFrom(p.cfg.Local, 0), p.cfg.ServerTLS)
	p.mu.Lock()
	p.local = ap
	p.mu.Unlock()
	return err
}

// Connect opens the connection to the server anew if there is none.
func (p *Phone) Connect(ctx context.Context) error {
	l, err := p.connect(ctx, p.cfg.Transport, p.cfg.Server, p.cfg.ServerName, p.cfg.Local)
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.link = l
	if !p.cfg.Listen {
		p.local = l.local
	}
	return nil
}

// DropConnection closes the connection, as a lost network would in the end.
func (p *Phone) DropConnection() {
	if l := p.server(); l != nil {
		l.close()
	}
}

// SendRaw writes bytes to the server as they are.
func (p *Phone) SendRaw(b []byte) error {
	l := p.server()
	if l == nil {
		return errNotConnected
	}
	return p.transmit(l, b)
}

// Pongs counts answers to keepalives.
func (p *Phone) Pongs() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pongs
}

// Connected tells whether the phone has a connection.
func (p *Phone) Connected() bool { return p.server() != nil }

// Incoming yields calls that ring here; with AutoAnswer they answer by
// themselves.
func (p *Phone) Incoming() <-chan *Call { return p.incoming }

// Inbox yields instant messages.
func (p *Phone) Inbox() <-chan Text { return p.inbox }

// AOR is the phone's public address.
func (p *Phone) AOR() string { return "sip:" + p.cfg.User + "@" + p.cfg.Domain }

// Close drops every call and the connection and waits for all goroutines. It
// says goodbye to nobody, as a phone does whose power is cut.
func (p *Phone) Close() {
	p.mu.Lock()
	p.closing = true
	if p.quit != nil {
		p.quit()
	}
	calls := make([]*Call, 0, len(p.calls))
	for _, c := range p.calls {
		calls = append(calls, c)
	}
	p.mu.Unlock()
	for _, c := range calls {
		c.end(0, "phone closed")
	}
	p.stack.close()
	for _, c := range calls {
		c.closeMedia()
	}
}

var errNotConnected = errors.New("lab: phone is not connected")

func (p *Phone) server() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.link
}

func (p *Phone) onPong(*link) {
	p.mu.Lock()
	p.pongs++
	p.mu.Unlock()
}

func (p *Phone) onClosed(l *link) {
	p.mu.Lock()
	mine := p.link == l
	if mine {
		p.link = nil
	}
	p.mu.Unlock()
	if mine {
		select {
		case p.lost <- struct{}{}:
		default:
		}
	}
}
