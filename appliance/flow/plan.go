package flow

import (
	"net/netip"
	"slices"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Listener is one address that SIP is taken on.
type Listener struct {
	Network string // "TLS", "TCP" or "UDP"
	Addr    netip.AddrPort
	Zone    string
	Open    bool // strangers may come: the limits by source hold
}

// Plan is what a node shall listen on.
type Plan struct {
	Listeners []Listener
	Limits    Limits
}

// The zones of who comes to a listener, before the role knows better.
const (
	ZoneOutside = "outside"
	ZoneInside  = "inside"
)

// PlanFrom reads where a node takes SIP: edge on its external interface, from
// strangers and never over UDP; core on all its interfaces, from the inside.
func PlanFrom(snap *config.Snapshot, role xapi.Role) Plan {
	p := Plan{Limits: Limits{MessageSize: snap.Int(xapi.SIPMaxSize)}}
	if role == xapi.Core {
		p.Limits.Connect = time.Duration(snap.Int(xapi.SIPTCPConnectTimeout)) * time.Second
		p.Limits.OutboundLow = uint16(snap.Int(xapi.SIPTCPOutboundStart))
		p.Limits.OutboundHigh = uint16(snap.Int(xapi.SIPTCPOutboundEnd))
	}
	if !snap.Bool(xapi.SIPMode) {
		return p
	}
	own := snap.Outside(role)
	if role == xapi.Core {
		own = snap.Addresses()
	}
	for _, a := range own {
		p.listen(snap, role, a)
	}
	return p
}

func (p *Plan) listen(snap *config.Snapshot, role xapi.Role, a netip.Addr) {
	add := func(network string, on xapi.Bool, port xapi.Int) {
		if !snap.Bool(on) {
			return
		}
		l := Listener{Network: network, Addr: netip.AddrPortFrom(a, uint16(snap.Int(port))), Zone: ZoneInside}
		if role == xapi.Edge {
			l.Zone, l.Open = ZoneOutside, true
		}
		p.Listeners = append(p.Listeners, l)
	}
	add("TLS", xapi.SIPTLSMode, xapi.SIPTLSPort)
	add("TCP", xapi.SIPTCPMode, xapi.SIPTCPPort)
	if role == xapi.Core {
		add("UDP", xapi.SIPUDPMode, xapi.SIPUDPPort)
	}
}

// Equal tells whether two plans want the same.
func (p Plan) Equal(q Plan) bool {
	return p.Limits == q.Limits && slices.Equal(p.Listeners, q.Listeners)
}

// Limits bound what a stranger, or a fault, can use up. A zero field means the
// default.
type Limits struct {
	MessageSize int // bytes of one message

	Connections       int // in total
	SourceConnections int // from one source and not authenticated
	Handshakes        int // TLS handshakes of strangers at once; the oldest goes for one more
	Sources           int // sources remembered
	SourceRate        int // requests per second of one source, not authenticated
	SourceBurst       int
	FlowRate          int // messages per second on an authenticated connection
	FlowBurst         int
	UDPRemotes        int // remembered by each UDP socket
	Backlog           int // bytes that wait to be written to one open connection

	Handshake    time.Duration
	FirstMessage time.Duration // from the handshake to the end of the first message
	Message      time.Duration // from the first to the last byte of a message
	Idle         time.Duration // between messages, not authenticated
	IdleKept     time.Duration // between any bytes, authenticated
	Write        time.Duration // for what waits to be written
	Connect      time.Duration

	OutboundLow, OutboundHigh uint16 // local ports of dialled connections; 0: any
}

// Defaults for 10,000 clients in 1 GB. An office behind one address is told
// apart from a stranger by being authenticated, so the limits by source bind
// only for the moment before that.
func (l Limits) withDefaults() *Limits {
	number := func(n *int, d int) {
		if *n <= 0 {
			*n = d
		}
	}
	span := func(n *time.Duration, d time.Duration) {
		if *n <= 0 {
			*n = d
		}
	}
	number(&l.MessageSize, 32<<10)
	number(&l.Connections, 12_000)
	number(&l.SourceConnections, 256)
	number(&l.Handshakes, 1024)
	number(&l.Sources, 32<<10)
	number(&l.SourceRate, 50)
	number(&l.SourceBurst, 500)
	number(&l.FlowRate, 100)
	number(&l.FlowBurst, 500)
	number(&l.UDPRemotes, 4096)
	number(&l.Backlog, 128<<10)
	span(&l.Handshake, 5*time.Second)
	span(&l.FirstMessage, 15*time.Second)
	span(&l.Message, 10*time.Second)
	span(&l.Idle, time.Minute)
	span(&l.IdleKept, 2*time.Hour)
	span(&l.Write, 5*time.Second)
	span(&l.Connect, 10*time.Second)
	return &l
}
