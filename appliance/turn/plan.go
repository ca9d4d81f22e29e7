package turn

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Plan is what edge's TURN server wants of the configuration.
type Plan struct {
	On       bool
	Listen   []netip.AddrPort // outside addresses with each port; none: off
	UDP, TCP bool             // how clients may come; TLS goes with TCP, on the same port
	TCPRelay bool             // relays over TCP (RFC 6062) for clients that come over TCP

	PortStart, PortEnd int        // relays' ports
	Advertise          netip.Addr // static NAT: how an IPv4 relay is told, if any
	Realm              string
	Accounts           map[string]string // static users to their passwords

	Outside []netip.Addr   // where relays are bound
	Own     []netip.Addr   // every address of this node
	Inside  []netip.Prefix // networks that the other interface leads to, never reached
	Allow   []netip.Prefix // peers that are reached whatever network they are in

	media [2]int // the port range of calls
}

// PlanFrom reads TURN's part of a snapshot.
func PlanFrom(snap *config.Snapshot) Plan {
	p := Plan{
		On:  snap.Bool(xapi.TURNMode),
		UDP: snap.Enum(xapi.TURNProtocolMode) != "TCP", TCP: snap.Enum(xapi.TURNProtocolMode) != "UDP",
		TCPRelay:  snap.Bool(xapi.TURNTCPRelay),
		PortStart: snap.Int(xapi.TURNMediaPortStart), PortEnd: snap.Int(xapi.TURNMediaPortEnd),
		Realm: snap.Str(xapi.TURNRealm), Accounts: map[string]string{},
		Outside: snap.Outside(xapi.Edge), Own: snap.Addresses(),
		Advertise: snap.StaticNAT(), Inside: snap.Networks(xapi.Edge, false),
		media: [2]int{snap.Int(xapi.MediaPortStart), snap.Int(xapi.MediaPortEnd)},
	}
	if !p.On {
		return p
	}
	for _, port := range ports(snap) {
		for _, a := range p.Outside {
			p.Listen = append(p.Listen, netip.AddrPortFrom(a, port))
		}
	}
	for _, i := range snap.Indexes(xapi.CredentialName.Item) {
		if name, password := snap.Str(xapi.CredentialName, i), snap.Secret(xapi.CredentialPassword, i); name != "" && password != "" {
			p.Accounts[name] = password
		}
	}
	for _, i := range snap.Indexes(xapi.TURNPeerAddress.Item) {
		if a := address(snap.Str(xapi.TURNPeerAddress, i)); a.IsValid() {
			p.Allow = append(p.Allow, netip.PrefixFrom(a, min(snap.Int(xapi.TURNPeerPrefixLength, i), a.BitLen())).Masked())
		}
	}
	return p
}

// ports are those that clients may come to: Port, and where it is in the range,
// all of the range.
func ports(snap *config.Snapshot) []uint16 {
	port, start, end := snap.Int(xapi.TURNPort), snap.Int(xapi.TURNPortRangeStart), snap.Int(xapi.TURNPortRangeEnd)
	all := []uint16{uint16(port)}
	if port < start || port > end {
		return all
	}
	for n := start; n <= min(end, start+maxPorts-1); n++ {
		if n != port {
			all = append(all, uint16(n))
		}
	}
	return all
}

// address is zero for what is none.
func address(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a
}

// Equal tells whether two plans want the same.
func (p Plan) Equal(q Plan) bool {
	return p.On == q.On && p.UDP == q.UDP && p.TCP == q.TCP && p.TCPRelay == q.TCPRelay &&
		p.PortStart == q.PortStart && p.PortEnd == q.PortEnd && p.Advertise == q.Advertise && p.Realm == q.Realm &&
		slices.Equal(p.Listen, q.Listen) && slices.Equal(p.Outside, q.Outside) && slices.Equal(p.Own, q.Own) &&
		slices.Equal(p.Inside, q.Inside) && slices.Equal(p.Allow, q.Allow) && maps.Equal(p.Accounts, q.Accounts)
}

// Conflict names the ports that TURN shares with something else of this node,
// or is empty.
func (p Plan) Conflict() string {
	if !p.On {
		return ""
	}
	relays := [2]int{p.PortStart, p.PortEnd}
	if overlap(relays, p.media) {
		return fmt.Sprintf("TURN relays take ports %d to %d, media of calls %d to %d.", relays[0], relays[1], p.media[0], p.media[1])
	}
	for _, l := range p.Listen {
		at := [2]int{int(l.Port()), int(l.Port())}
		switch {
		case overlap(at, relays):
			return fmt.Sprintf("TURN listens on port %d, which is among those of its relays, %d to %d.", at[0], relays[0], relays[1])
		case overlap(at, p.media):
			return fmt.Sprintf("TURN listens on port %d, which is among those of the media of calls, %d to %d.", at[0], p.media[0], p.media[1])
		}
	}
	return ""
}

func overlap(a, b [2]int) bool { return a[0] <= b[1] && b[0] <= a[1] }

// Check refuses what cannot work before it is committed.
func Check(snap *config.Snapshot) error {
	switch {
	case !snap.Bool(xapi.TURNAuthenticationMode), !snap.Bool(xapi.TURNRemoteMode):
		return fmt.Errorf("%s and %s stay On: without credentials anybody could relay through this node",
			xapi.TURNAuthenticationMode.Path, xapi.TURNRemoteMode.Path)
	case snap.Int(xapi.TURNMediaPortEnd) < snap.Int(xapi.TURNMediaPortStart):
		return fmt.Errorf("%s is below %s", xapi.TURNMediaPortEnd.Path, xapi.TURNMediaPortStart.Path)
	case snap.Int(xapi.TURNPortRangeEnd) < snap.Int(xapi.TURNPortRangeStart), snap.Int(xapi.TURNPortRangeEnd)-snap.Int(xapi.TURNPortRangeStart) >= maxPorts:
		return fmt.Errorf("%s to %s are 1 to %d ports", xapi.TURNPortRangeStart.Path, xapi.TURNPortRangeEnd.Path, maxPorts)
	}
	return nil
}
