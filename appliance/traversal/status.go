package traversal

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// State of a peer or tunnel, in the words of xStatus.
type State string

const (
	Active State = "Active"
	Failed State = "Failed"
)

// MaxSkew is how far two clocks may be apart before it is worth an alarm.
const MaxSkew = 30 * time.Second

// PeerStatus is the truth about one peer: at core one per configured address,
// at edge one per node that has greeted, and one for a zone that nobody has.
type PeerStatus struct {
	Zone        string
	Type        string // "TraversalClient" at core, "TraversalServer" at edge
	Peer        PeerID
	Node        string // what the peer calls itself
	Address     string // core: as configured; edge: where the peer comes from
	Port        int    // of the edge
	State       State
	Why         string    // why it is down, in plain words
	Since       time.Time // of the last change of State
	Connections int       // SIP connections that are up
	Remote      netip.AddrPort
	Local       netip.AddrPort

	Tunnels   State  // both SSH connections
	TunnelWhy string // why they are not up
	Streams   int

	Maintenance bool // the peer takes nothing new

	Skew     time.Duration // our clock minus the peer's
	RTT      time.Duration // core only
	Sent     uint64        // SIP messages since the start
	Received uint64
	Refused  uint64 // at edge, strangers that the zone turned away
}

// Skewed says that the clocks are too far apart.
func (s PeerStatus) Skewed() bool { return s.State == Active && s.Skew.Abs() > MaxSkew }

// Status lists all peers, sorted by zone and address.
func (l *Links) Status() []PeerStatus {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []PeerStatus
	for k := range l.links {
		if s := k.status(); !k.removed && !s.forgotten(l.cfg.Clock()) {
			s.Refused = l.refused[k.zone].count
			out = append(out, s)
		}
	}
	for _, s := range l.plan.Servers {
		if !slices.ContainsFunc(out, func(p PeerStatus) bool { return p.Zone == s.Zone && p.State == Active }) {
			out = append(out, l.lonelyLocked(s, out)...)
		}
	}
	slices.SortFunc(out, func(a, b PeerStatus) int {
		return cmp.Or(strings.Compare(a.Zone, b.Zone), strings.Compare(a.Address, b.Address), cmp.Compare(a.Peer, b.Peer))
	})
	return out
}

// forgotten says that edge need not mention a node any more: it may have been
// taken out of service, which nobody tells edge.
func (s PeerStatus) forgotten(now time.Time) bool {
	return s.Type == "TraversalServer" && s.State == Failed && now.Sub(s.Since) > 24*time.Hour
}

// lonelyLocked is the line of a zone without a live peer: what keeps peers
// away, unless a line of a lost peer says so with newer knowledge.
func (l *Links) lonelyLocked(s Server, have []PeerStatus) []PeerStatus {
	p := PeerStatus{Zone: s.Zone, Type: "TraversalServer", Port: int(s.Listen.Port()), State: Failed, Tunnels: Failed, Why: "no core has connected yet"}
	r := l.refused[s.Zone]
	p.Refused = r.count
	for _, h := range have {
		if h.Zone == s.Zone && !h.Since.Before(r.at) || h.Zone == s.Zone && h.Peer == 0 {
			return nil
		}
	}
	switch {
	case l.servers[s.terms()] == nil:
		p.Why = "the port " + s.Listen.String() + " cannot be opened"
	case r.count > 0:
		p.Why, p.Since, p.Address, p.Remote = r.String(), r.at, r.from.Addr().String(), r.from
	}
	return []PeerStatus{p}
}

func (k *link) status() PeerStatus {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := PeerStatus{
		Zone: k.zone, Type: "TraversalClient", Peer: k.peer.ID, Node: k.peer.Node, Address: k.path, Port: k.port,
		State: Failed, Why: k.why, Since: k.since, Connections: k.connsLocked(), Remote: k.peer.Remote, Local: k.peer.Local,
		Tunnels: Failed, TunnelWhy: k.tunWhy, Skew: k.skew, RTT: k.rtt, Sent: k.sent, Received: k.got, Maintenance: k.maintenance,
	}
	if k.tunnel != "" {
		s.Type, s.Address = "TraversalServer", k.peer.Remote.Addr().String()
	}
	if s.Connections > 0 {
		s.State = Active
	}
	if k.streams != nil && k.control != nil {
		s.Tunnels = Active
	}
	if k.streams != nil {
		s.Streams = k.streams.load()
	}
	for _, c := range k.slots {
		if c != nil {
			s.Sent += c.sent.Load()
			s.Received += c.got.Load()
		}
	}
	return s
}
