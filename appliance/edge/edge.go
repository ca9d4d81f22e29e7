package edge

import (
	"crypto/ed25519"
	"crypto/tls"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/auth"
	"sallyport/appliance/call"
	"sallyport/appliance/door"
	"sallyport/appliance/eventlog"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/media"
	"sallyport/appliance/overload"
	"sallyport/appliance/run"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/turn"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
	"sallyport/appliance/zone"
)

// Config is what an edge needs of its node.
type Config struct {
	Log     *slog.Logger
	Tap     signaling.Tap
	Tracer  *eventlog.Tracer
	Clock   func() time.Time
	Rand    func() uint64
	Alarms  *alarm.Book
	Trust   *trust.Trust
	Zones   *zone.Resolver // asks for whom DNS zones mean
	Keys    *trust.Keyring
	HostKey ed25519.PrivateKey
	Name    string                                      // the node's own name towards its peers
	Load    func() overload.Reading                     // nil: of this process
	Event   func(name string, detail func() *xapi.Node) // for whoever registered for feedback
}

// Edge is the outside door: clients come to it, and cores dial it.
type Edge struct {
	cfg    Config
	log    *slog.Logger
	clock  func() time.Time
	rand   func() uint64
	alarms *alarm.Book
	tokens tokens

	proxy    *signaling.Proxy
	flows    *flow.Flows
	bindings *flow.Bindings
	partly   partly
	holds    *holds
	partners *flow.Bindings // connections of who is not registered
	dials    *run.Tasks     // to partners
	hints    *run.Tasks     // of ICE agents, to cores
	names    *zone.Resolver
	links    *traversal.Links
	relay    *media.Relay
	watch    *call.Watch
	media    *Media
	http     *httpproxy.Gate
	chat     *xmpp.Gate
	push     *push
	turn     *turn.Server
	desk     signaling.Desk
	calls    *signaling.Calls

	challenges *challenges
	guard      *auth.Guard
	open       openRegistrars
	nodes      nodeNames

	load     *overload.Guard   // how much it has to turn away
	capacity overload.Capacity // of this machine

	plan   atomic.Pointer[Plan]
	denied atomic.Int64
	lines  *door.Brake // of the log, about strangers
	regs   usage
}

// What an edge of the smallest kind carries.
const (
	maxCalls     = 10_000
	maxCallsEach = 64 // of one registered device
	manyCalls    = 16 // of a device, from which on those of the user's others count too
	maxCallsUser = 128
	maxBindings  = 20_000
)

// New joins the planes of an edge. Nothing runs before Run.
func New(cfg Config) *Edge {
	e := &Edge{
		cfg: cfg, log: cfg.Log, clock: cfg.Clock, rand: cfg.Rand, alarms: cfg.Alarms,
		challenges: newChallenges(), lines: door.NewBrake(cfg.Log, cfg.Clock, "sip requests denied"),
	}
	e.load = overload.New(cfg.Log, cfg.Alarms, cfg.Load)
	e.capacity = overload.ThisMachine(overload.Capacity{Calls: maxCalls, Registrations: maxBindings})
	e.watch = &call.Watch{Log: cfg.Log, Clock: cfg.Clock, Alarms: cfg.Alarms, Event: cfg.Event, Most: e.capacity.Calls}
	e.calls = signaling.NewCalls(cfg.Clock, e.capacity.Calls, e.watch.Changed)
	e.calls.LimitOwner(maxCallsEach)
	e.relay = media.New(media.Config{Log: cfg.Log, Clock: cfg.Clock, OnSilent: e.watch.Silent})
	e.watch.Calls, e.watch.Relay = e.calls, e.relay
	e.tokens = tokens{keys: cfg.Keys, word: func(zone string) string { return e.plan.Load().zoneWord(zone) }}
	e.plan.Store(&Plan{})
	e.proxy = signaling.New(signaling.Config{
		Handler: e.handle, Log: cfg.Log, Clock: cfg.Clock, Rand: cfg.Rand, Tap: cfg.Tap, Product: "sallyport",
		Revive: e.revive,
	})
	e.flows = flow.New(flow.Config{
		Log: cfg.Log, Clock: cfg.Clock,
		TLS:       func(flow.Listener) *tls.Config { return cfg.Trust.ServerConfig(trust.SIPOutside) },
		OnMessage: e.clientMessage,
		OnFault:   func(c *flow.Conn, f *sip.Fault) { e.proxy.Refuse(c, f) },
		OnClose:   e.clientClosed, AllowDial: true, // partners; a client is never dialled
		OnListen: e.listening,
	})
	e.partners = flow.NewBindings(flow.BindingsConfig{Clock: cfg.Clock, Rand: cfg.Rand, Total: maxPartners, PerUser: maxPartnersEach})
	e.dials, e.names = run.NewTasks(maxDials, dialTime), cfg.Zones
	e.hints = run.NewTasks(maxHints, hintTime)
	e.bindings = flow.NewBindings(flow.BindingsConfig{Clock: cfg.Clock, Rand: cfg.Rand, Named: e.tokens.binding, OnChange: e.bindingEvent, Total: e.capacity.Registrations})
	e.holds = newHolds(cfg.Clock)
	e.links = traversal.New(traversal.Config{
		Role: xapi.Edge, Log: cfg.Log, Clock: cfg.Clock, HostKey: cfg.HostKey,
		ServerTLS: func() *tls.Config { return cfg.Trust.ServerConfig(trust.LinkServer) },
		OnMessage: e.linkMessage,
		OnFault:   func(c *traversal.Conn, f *sip.Fault) { e.proxy.Refuse(c, f) },
		OnClose:   func(c *traversal.Conn) { e.proxy.ConnClosed(c) },
		OnPeer:    e.peerChanged,
	})
	e.media = NewMedia(MediaConfig{Relay: e.relay, Log: cfg.Log, Clock: cfg.Clock, OnAgent: e.tellAgent})
	e.links.Handle(methodHeld, e.answerHeld)
	e.http = e.newGate()
	e.chat = e.newChat()
	e.push = newPush(e)
	e.turn = e.newTURN()
	e.guard = e.newGuard()
	e.links.Handle(methodNodes, e.takeNodes)
	e.desk = signaling.Desk{
		Calls: e.calls, Log: cfg.Log, Refuse: e.refuse,
		End: func(id uint64) { e.media.End(media.SessionID(id)) },
		Rollback: func(id uint64, req *sip.Message) {
			e.media.Rollback(media.SessionID(id), call.ExchangeOf(req, signaling.Offer))
		},
	}
	return e
}

// handle decides on each request, by the side that it came from.
func (e *Edge) handle(r *signaling.Request) {
	switch from := r.Conn.(type) {
	case *flow.Conn:
		e.fromClient(r, from)
	case *traversal.Conn:
		e.fromCore(r, from)
	}
}

// clientMessage gives a client's request the trace id that it keeps on its
// way through both nodes.
func (e *Edge) clientMessage(c *flow.Conn, m *sip.Message) {
	trace := ""
	if m.Request() {
		trace = strconv.FormatUint(e.rand(), 16)
	}
	e.proxy.Receive(c, m, trace)
}

func (e *Edge) linkMessage(c *traversal.Conn, m *sip.Message, trace string) {
	e.proxy.Receive(c, m, trace)
}

// face is how the client of a connection sees this edge.
func (e *Edge) face(c *flow.Conn) face {
	plan := e.plan.Load()
	f := plan.tls
	if c.Network() != "TLS" {
		f = plan.tcp
	}
	if f.host == "" || c.Unnamed() { // a name may lead nowhere for who came by an address
		return newFace(plan.seenAs(c.Local().Addr()).String(), f.port, f.transport)
	}
	return f
}
