package xapi

// Where ICE and the keys of SRTP pass between two remote clients.
var (
	NeighborICEPassThrough = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Media ICEPassThrough Support", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help: "Passes ICE candidates and SRTP keys of remote clients to and from the neighbor over TLS, so that two of them can send media straight to each other.",
	}}
	TraversalClientICEPassThrough = Bool{&Item{
		Path: "Zones Zone [1..1000] TraversalClient SIP Media ICEPassThrough Support", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help: "Lets remote clients of the zone's edges send media straight to each other, where the neighbor in between does too.",
	}}
	CUCMICEPassThrough = Bool{&Item{
		Path: "CollaborationEdge CUCM [1..100] ICEPassThrough Support", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "Media", New: true,
		Help: "Passes ICE as the setting of a neighbor does, for the zones that were made for the cluster's nodes.",
	}}
)

func iceItems() []*Item {
	return []*Item{NeighborICEPassThrough.Item, TraversalClientICEPassThrough.Item, CUCMICEPassThrough.Item}
}
