package traversal

import (
	"strconv"
	"time"

	"sallyport/appliance/xapi"
)

// ReportZone adds what xStatus Zones shows of a traversal zone's peers, and
// tells whether any of them is up.
func (l *Links) ReportZone(t *xapi.Node, zone string) (active bool) {
	var peers []PeerStatus
	for _, p := range l.Status() {
		if p.Zone == zone {
			peers = append(peers, p)
			active = active || p.State == Active
		}
	}
	if len(peers) == 0 {
		return false
	}
	kind := t.Add(peers[0].Type)
	for i, p := range peers {
		p.report(kind.Nth("Peer", i+1).Add("SIP"))
	}
	return active
}

func (p PeerStatus) report(n *xapi.Node) {
	n.Leaf("Status", string(p.State))
	n.Str("Address", p.Address)
	n.Int("Port", p.Port)
	if p.Node != "" {
		n.Str("Node", p.Node)
	}
	if p.Maintenance {
		n.Leaf("Maintenance", "On")
	}
	n.Str("LastStatusChange", p.Since.Local().Format(time.DateTime))
	if p.Why != "" {
		n.Str("Cause", p.Why)
	}
}

// ReportTunnels adds what xStatus Tunnels shows: the SSH side of each link.
func (l *Links) ReportTunnels(t *xapi.Node) {
	for i, p := range l.Status() {
		n := t.Nth("Tunnel", i+1)
		n.Str("Peer", p.Node)
		n.Str("Address", p.Address)
		n.Leaf("Kind", "SSH")
		n.Leaf("Status", string(p.Tunnels))
		if p.TunnelWhy != "" {
			n.Str("Cause", p.TunnelWhy)
		}
		n.Int("Streams", p.Streams)
	}
}

// String is the identifier as logs show it.
func (id PeerID) String() string { return strconv.FormatUint(uint64(id), 16) }
