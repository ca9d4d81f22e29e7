package media

import (
	"fmt"
	"net/netip"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Plan is what the media plane wants of the machine. Plans are comparable.
type Plan struct {
	Edge      bool       // this node is an edge
	Client    Addresses  // edge: where client legs are bound; core: unused
	Advertise netip.Addr // edge: the static NAT address that clients are told, if any
	Inner     Addresses  // edge: where the link pair is bound; core: where link and inside legs are bound
	PortStart int        // first port of the range
	PortEnd   int        // last port of the range
	LinkRTP   int        // edge's shared port for media and muxed RTCP
	LinkRTCP  int        // edge's shared port for RTCP
	Audio     int        // DSCP of sound, and of all that is no picture
	Video     int        // DSCP of pictures
}

// Addresses is at most one address per family.
type Addresses struct{ V4, V6 netip.Addr }

// Pick is the address of a family, or the other one if there is none.
func (a Addresses) Pick(v6 bool) netip.Addr {
	if v6 && a.V6.IsValid() || !a.V4.IsValid() {
		return a.V6
	}
	return a.V4
}

// list is the addresses that are there.
func (a Addresses) list() []netip.Addr {
	var all []netip.Addr
	for _, x := range []netip.Addr{a.V4, a.V6} {
		if x.IsValid() {
			all = append(all, x)
		}
	}
	return all
}

// PlanFrom reads the media plane's part of a snapshot.
func PlanFrom(sn *config.Snapshot, role xapi.Role) Plan {
	p := Plan{
		Edge:      role == xapi.Edge,
		PortStart: sn.Int(xapi.MediaPortStart),
		PortEnd:   sn.Int(xapi.MediaPortEnd),
		Audio:     sn.Int(xapi.QoSAudio),
		Video:     sn.Int(xapi.QoSVideo),
	}
	if !p.Edge {
		p.Inner = addresses(sn, 1)
		return p
	}
	p.LinkRTP, p.LinkRTCP = sn.Int(xapi.MediaDemuxRTPPort), sn.Int(xapi.MediaDemuxRTCPPort)
	outer, inner := 1, 2
	if sn.Enum(xapi.IPExternalInterface) == "LAN2" {
		outer, inner = 2, 1
	}
	p.Client = addresses(sn, outer)
	if p.Inner = addresses(sn, inner); len(p.Inner.list()) == 0 {
		p.Inner = p.Client // one interface serves both sides
	}
	p.Advertise = sn.StaticNAT()
	return p
}

func addresses(sn *config.Snapshot, lan int) Addresses {
	v4, v6 := sn.Interface(lan)
	return Addresses{V4: v4, V6: v6}
}

// Check says what is wrong with a plan, in the operator's words.
func (p Plan) Check() error {
	switch {
	case p.PortEnd-p.PortStart < 3:
		return fmt.Errorf("media ports %d to %d leave no pair; widen Traversal Media Port Start and End", p.PortStart, p.PortEnd)
	case len(p.Inner.list()) == 0:
		return fmt.Errorf("media has no address; set Ethernet IP V4 Address or V6 Address")
	case !p.Edge:
		return nil
	case p.LinkRTP == p.LinkRTCP:
		return fmt.Errorf("media demultiplexing RTP and RTCP share port %d; choose two", p.LinkRTP)
	case len(p.Client.list()) == 0:
		return fmt.Errorf("media has no outside address; set Ethernet IP V4 Address or V6 Address of the external interface")
	}
	return nil
}

// Advertised is the address that clients are told for a leg bound to a.
func (p Plan) Advertised(a netip.Addr) netip.Addr {
	if a.Is4() && p.Advertise.IsValid() {
		return p.Advertise
	}
	return a
}
