package core

import (
	"crypto/ed25519"
	"crypto/tls"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/auth"
	"sallyport/appliance/call"
	"sallyport/appliance/config"
	"sallyport/appliance/discover"
	"sallyport/appliance/eventlog"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/media"
	"sallyport/appliance/overload"
	"sallyport/appliance/push"
	"sallyport/appliance/run"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/state"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
	"sallyport/appliance/zone"
)

// Config is what a core needs of its node.
type Config struct {
	Log      *slog.Logger
	Tap      signaling.Tap
	Tracer   *eventlog.Tracer
	Clock    func() time.Time
	Rand     func() uint64
	Alarms   *alarm.Book
	State    *state.Store
	Resolver *net.Resolver  // answers the names of inside peers
	Names    *zone.Resolver // asks for whom DNS and ENUM zones mean

	Credentials Credentials // of endpoints that register at core itself; nil: the local credentials

	Trust   *trust.Trust
	Keys    *trust.Keyring
	HostKey ed25519.PrivateKey
	Name    string                                      // the node's own name towards its peers
	Load    func() overload.Reading                     // nil: of this process
	Event   func(name string, detail func() *xapi.Node) // for whoever registered for feedback
	Lanes   map[string]httpproxy.Lane                   // further requests below a domain, by name
}

// Core is the inside door: it dials the edges and stands before call control.
type Core struct {
	cfg         Config
	log         *slog.Logger
	trust       *trust.Trust
	tokens      tokens
	book        book
	contacts    *state.Table
	callers     callers
	signIns     signIns
	endpoints   *state.Table
	locals      locals
	lookups     *run.Tasks
	names       *zone.Resolver
	credentials Credentials
	resolver    *net.Resolver
	reach       *reach
	rand        func() uint64

	proxy  *signaling.Proxy
	flows  *flow.Flows
	links  *traversal.Links
	relay  *media.Relay
	watch  *call.Watch
	media  *Media
	trunks trunkMedia
	http   *httpproxy.Server
	chat   *xmpp.Server
	keys   *auth.Keys  // of access tokens
	vault  *auth.Vault // of passwords
	local  *auth.Accounts
	sso    *auth.SSO

	grants *auth.Grants // tokens for trunks
	admits *auth.Admits // tokens of trunks

	push      *push.Server // wakes phones
	sleeping  *state.Table
	sleepers  *sleepers
	refreshes *run.Tasks

	forget chan []string // users whose password edges shall forget
	desk   signaling.Desk
	calls  *signaling.Calls

	peers     peers
	replanned chan struct{} // the monitor looks at the plan again
	repeered  chan struct{} // peers are looked up again
	peerNames peerNames
	renamed   chan struct{} // edges are to hear of the nodes

	fast struct { // fast path registration
		known                 shortcuts
		taken, stale, refused atomic.Int64
	}
	uc           *discover.Discoverer
	rediscovered chan struct{} // discovery knows something new
	findings     atomic.Pointer[[]discover.Finding]
	saml         samlWatch                      // what identity providers were told
	contexts     atomic.Pointer[domainContexts] // what each domain is used for

	applying sync.Mutex                      // one plan is made at a time
	snap     atomic.Pointer[config.Snapshot] // the one in force

	load     *overload.Guard // how much it has to turn away
	capacity overload.Capacity

	plan   atomic.Pointer[Plan]
	denied atomic.Int64

	recordings recordings
	recorded   atomic.Int64 // when a phone was last recorded without Path, in nanoseconds; 0: never
}

// maxCalls and the limits of what core remembers for tokens. A route set is
// shared by all dialogs that have it, a contact by all refreshes.
const (
	maxLookups = 64
	lookupTime = 10 * time.Second

	maxCalls    = 10_000
	maxRoutes   = 200_000
	maxContacts = 200_000
)

// New joins the planes of a core. Nothing runs before Run.
func New(cfg Config) *Core {
	c := &Core{
		cfg: cfg, log: cfg.Log, trust: cfg.Trust, rand: cfg.Rand,
		tokens:      tokens{cfg.Keys},
		book:        newBook(cfg.State, maxRoutes),
		contacts:    cfg.State.Table("contacts", maxContacts),
		callers:     newCallers(cfg.State, cfg.Clock),
		signIns:     newSignIns(cfg.State),
		endpoints:   cfg.State.Table("endpoints", maxEndpoints),
		sleeping:    cfg.State.Table("sleepers", maxSleepers),
		lookups:     run.NewTasks(maxLookups, lookupTime),
		refreshes:   run.NewTasks(2*refreshMost, time.Minute),
		names:       cfg.Names,
		credentials: cfg.Credentials,
		resolver:    cfg.Resolver,
		reach:       newReach(cfg.Clock),
		replanned:   make(chan struct{}, 1), rediscovered: make(chan struct{}, 1), renamed: make(chan struct{}, 1), repeered: make(chan struct{}, 1),
		forget: make(chan []string, 1),
	}
	c.locals = c.newLocals()
	c.push, c.sleepers = c.newPush(), c.newSleepers()
	c.load = overload.New(cfg.Log, cfg.Alarms, cfg.Load)
	c.capacity = overload.ThisMachine(overload.Capacity{Calls: maxCalls, Registrations: maxEndpoints})
	c.watch = &call.Watch{Log: cfg.Log, Clock: cfg.Clock, Alarms: cfg.Alarms, Event: cfg.Event, Most: c.capacity.Calls}
	c.calls = signaling.NewCalls(cfg.Clock, c.capacity.Calls, c.callChanged)
	c.relay = media.New(media.Config{Log: cfg.Log, Clock: cfg.Clock, OnSilent: c.watch.Silent})
	c.watch.Calls, c.watch.Relay = c.calls, c.relay
	nothing, _ := uc.New(uc.Facts{})
	c.plan.Store(&Plan{Zones: &zone.Plan{}, Topology: nothing})
	c.proxy = signaling.New(signaling.Config{
		Handler: c.handle, Log: cfg.Log, Clock: cfg.Clock, Rand: cfg.Rand, Tap: cfg.Tap, Product: "sallyport", Same: samePeer,
		Revive: c.revive,
	})
	c.flows = flow.New(flow.Config{
		Log: cfg.Log, Clock: cfg.Clock, AllowDial: true,
		TLS:       func(flow.Listener) *tls.Config { return cfg.Trust.ServerConfig(trust.SIPInside) },
		ZoneOf:    c.zoneOf,
		OnMessage: c.insideMessage,
		OnFault:   func(conn *flow.Conn, f *sip.Fault) { c.proxy.Refuse(conn, f) },
		OnClose: func(conn *flow.Conn) {
			c.locals.ConnClosed(conn)
			c.proxy.ConnClosed(conn)
		},
		OnListen: c.listening,
	})
	c.links = traversal.New(traversal.Config{
		Role: xapi.Core, Log: cfg.Log, Clock: cfg.Clock, HostKey: cfg.HostKey,
		ClientTLS: func(peer string) *tls.Config { return cfg.Trust.ClientConfig(trust.LinkClient, peer) },
		OnMessage: c.linkMessage,
		OnFault:   func(conn *traversal.Conn, f *sip.Fault) { c.proxy.Refuse(conn, f) },
		OnClose:   func(conn *traversal.Conn) { c.proxy.ConnClosed(conn) },
		OnStream:  c.stream,
		OnPeer:    c.peerChanged,
	})
	c.media = NewMedia(MediaConfig{Relay: c.relay, Log: cfg.Log, Clock: cfg.Clock, EdgeMedia: c.edgeMedia})
	c.trunks = newTrunkMedia(MediaConfig{Relay: c.relay, Log: cfg.Log, Clock: cfg.Clock})
	c.uc = c.newDiscovery()
	c.newCredentials()
	c.sso = c.newSSO()
	c.grants = c.newGrants()
	c.admits = c.newAdmits()
	c.http = c.newHTTP()
	c.links.Handle(methodTicket, c.answerTicket)
	c.links.Handle(methodAgent, c.takeAgent)
	c.links.Handle(methodPresence, c.answerPresence)
	c.chat = c.newChat()
	c.desk = signaling.Desk{
		Calls: c.calls, Log: cfg.Log, Refuse: c.refuse,
		End: c.endMedia,
		Rollback: func(id uint64, req *sip.Message) {
			of := call.ExchangeOf(req, signaling.Offer)
			c.media.Rollback(media.SessionID(id), of)
			c.trunks.Rollback(media.SessionID(id), of)
		},
	}
	return c
}

// endMedia ends what goes by here of a call's media.
func (c *Core) endMedia(session uint64) {
	c.media.End(media.SessionID(session))
	c.trunks.End(media.SessionID(session))
}

// handle decides on each request, by the side that it came from.
func (c *Core) handle(r *signaling.Request) {
	switch from := r.Conn.(type) {
	case *traversal.Conn:
		c.fromEdge(r, from)
	case *flow.Conn:
		c.fromInside(r, from)
	}
}

func (c *Core) linkMessage(conn *traversal.Conn, m *sip.Message, trace string) {
	c.proxy.Receive(conn, m, trace)
}

// insideMessage gives a request from inside the trace id that it keeps on
// its way through both nodes.
func (c *Core) insideMessage(conn *flow.Conn, m *sip.Message) {
	trace := ""
	if m.Request() {
		trace = strconv.FormatUint(c.rand(), 16)
	}
	c.proxy.Receive(conn, m, trace)
}

// samePeer lets an inside system answer over another connection than it was
// asked on: it may have lost the first one.
func samePeer(sent, got signaling.Conn) bool {
	return sent.Zone() == got.Zone() && sent.Remote().Addr() == got.Remote().Addr() && sent.Zone() != ""
}

// outlet is the way out through a traversal zone, for users of one domain.
func (c *Core) outlet(zone, domain string) outlet {
	return outlet{tokens: c.tokens, book: c.book, zone: zone, domain: domain, sealed: within(c.plan.Load().zoneWord(zone), domain)}
}

// peerOf is the edge at the far end of a link connection, as tokens name it.
func peerOf(conn *traversal.Conn) uint64 { return uint64(conn.Peer()) }

// peerKey is a peer as the media plane names it.
func peerKey(peer uint64) string { return strconv.FormatUint(peer, 16) }
