package media

import "net/netip"

// Plan is what the media plane wants of the machine.
type Plan struct {
	Client    Addresses  // edge: where client legs are bound; core: unused
	Advertise netip.Addr // edge: the static NAT address clients are told, if any
	Inner     Addresses  // edge: where the link pair is bound; core: where link and inside legs are bound
	PortStart int        // first port of the range, even
	PortEnd   int        // last port of the range
	LinkRTP   int        // edge's shared port for media and muxed RTCP
	LinkRTCP  int        // edge's shared port for RTCP
	Edge      bool       // this node is an edge
}

// Addresses is at most one address per family.
type Addresses struct{ V4, V6 netip.Addr }
