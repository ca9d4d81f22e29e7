package xapi

// TURN on edge.
var (
	TURNMode = Bool{&Item{
		Path: "Traversal Server TURN Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "Lends clients an address outside, so that their media can take the path that ICE finds.",
	}}
	TURNPort = Int{&Item{
		Path: "Traversal Server TURN Port", Kind: Integer, Min: 1024, Max: 65534, Default: "3478",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "UDP and TCP port for clients of TURN; TLS goes with TCP on the same port.",
	}}
	TURNPortRangeStart = Int{&Item{
		Path: "Traversal Server TURN PortRangeStart", Kind: Integer, Min: 1024, Max: 65534, Default: "3478",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "Lowest of the ports for clients of TURN, all of which are open if the TURN port is among them.",
	}}
	TURNPortRangeEnd = Int{&Item{
		Path: "Traversal Server TURN PortRangeEnd", Kind: Integer, Min: 1024, Max: 65534, Default: "3483",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "Highest of those ports.",
	}}
	TURNMediaPortStart = Int{&Item{
		Path: "Traversal Server TURN Media Port Start", Kind: Integer, Min: 1024, Max: 65534, Default: "60000",
		Role: Edge, Effect: NewOnly, Guide: "ICE media path optimization",
		Help: "Lowest port of TURN relays.",
	}}
	TURNMediaPortEnd = Int{&Item{
		Path: "Traversal Server TURN Media Port End", Kind: Integer, Min: 1024, Max: 65534, Default: "61799",
		Role: Edge, Effect: NewOnly, Guide: "ICE media path optimization",
		Help: "Highest port of TURN relays; there are no more relays than ports.",
	}}
	TURNProtocolMode = Enum{&Item{
		Path: "Traversal Server TURN ProtocolMode", Kind: Enumeration, Values: []string{"TCP", "UDP", "Both"}, Default: "Both",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "How clients come to TURN.",
	}}
	TURNRealm = Str{&Item{
		Path: "Traversal Server TURN Authentication Realm", Kind: String, Min: 1, Max: 128, Default: "TANDBERG",
		Role: Edge, Effect: Reconnects, Guide: "ICE media path optimization",
		Help: "Realm of TURN's credentials; another one ends all relays.",
	}}
	TURNRemoteMode = Bool{&Item{
		Path: "Traversal Server TURN Authentication Remote Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Edge, Guide: "ICE media path optimization",
		Help: "Whether TURN's requests need credentials; only On is taken.",
	}}
	TURNAuthenticationMode = Bool{&Item{
		Path: "Traversal Server TURN Authentication Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Edge, Guide: "ICE media path optimization",
		Help: "Whether TURN's requests need credentials; only On is taken.",
	}}
	TURNTCPRelay = Bool{&Item{
		Path: "Traversal Server TURN TCPRelay Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Effect: NewOnly, Guide: "ICE media path optimization", New: true,
		Help: "Lets clients that come over TCP or TLS have relays over TCP too (RFC 6062).",
	}}
	TURNPeerAddress = Str{&Item{
		Path: "Traversal Server TURN Peer [1..50] Address", Kind: IP, Max: 39,
		Role: Edge, Guide: "ICE media path optimization", New: true,
		Help: "Network that relays may reach though it is private or special; the open Internet needs no row, and this node itself is never reached.",
	}}
	TURNPeerPrefixLength = Int{&Item{
		Path: "Traversal Server TURN Peer [1..50] PrefixLength", Kind: Integer, Max: 128, Default: "32",
		Role: Edge, Guide: "ICE media path optimization", New: true,
		Help: "Prefix length of that network.",
	}}
)

func turnItems() []*Item {
	return []*Item{
		TURNMode.Item, TURNPort.Item, TURNPortRangeStart.Item, TURNPortRangeEnd.Item, TURNMediaPortStart.Item, TURNMediaPortEnd.Item,
		TURNProtocolMode.Item, TURNRealm.Item, TURNRemoteMode.Item, TURNAuthenticationMode.Item, TURNTCPRelay.Item,
		TURNPeerAddress.Item, TURNPeerPrefixLength.Item,
	}
}

// Alarms of TURN.
var (
	AlarmTURNPorts = &Alarm{
		ID: 25018, Title: "Port conflict", Severity: "Warning", Role: Edge,
		Cause:  "Ports of TURN are also those of something else on this node, so relays or calls will fail by chance.",
		Remedy: "Give TURN and the media of calls ranges of their own; the detail names them.",
	}
	AlarmTURNCapacity = &Alarm{
		ID: 30024, Title: "TURN relay capacity limit reached", Severity: "Warning", Role: Edge,
		Cause:  "Every port of the range for TURN relays is in use, and more relays are refused.",
		Remedy: "Widen the range from Traversal Server TURN Media Port Start to End, and the firewall with it.",
	}
)

func turnStatuses() []*Status {
	return []*Status{
		{Path: "TURN Server Status", Kind: Enumeration, Role: Edge, Help: "Active while TURN is on."},
		{Path: "TURN Server Interface [1..256] Address", Kind: String, Role: Edge, Help: "Where clients come to."},
		{Path: "TURN Server Interface [1..256] Port", Kind: Integer, Role: Edge, Help: "Its port."},
		{Path: "TURN Relays Current", Kind: Integer, Role: Edge, Help: "Relays now."},
		{Path: "TURN Relays Max", Kind: Integer, Role: Edge, Help: "Most relays at once since the start."},
		{Path: "TURN Relays Total", Kind: Integer, Role: Edge, Help: "Relays since the start."},
		{Path: "TURN Relays Refused", Kind: Integer, Role: Edge, Help: "Relays that were refused for want of room since the start."},
		{Path: "TURN Relays PeersDenied", Kind: Integer, Role: Edge, Help: "Peers and packets to peers that were denied since the start."},
		{Path: "TURN Relays BytesIn", Kind: Integer, Unit: "bytes", Role: Edge, Help: "Bytes from peers since the start, over UDP."},
		{Path: "TURN Relays BytesOut", Kind: Integer, Unit: "bytes", Role: Edge, Help: "Bytes to peers since the start, over UDP."},
		{Path: "TURN Relay [1..2000] Client", Kind: String, Role: Edge, Help: "Where the client comes from."},
		{Path: "TURN Relay [1..2000] Protocol", Kind: Enumeration, Role: Edge, Help: "How it comes: UDP, TCP or TLS."},
		{Path: "TURN Relay [1..2000] User", Kind: String, Role: Edge, Help: "Whose it is."},
		{Path: "TURN Relay [1..2000] Address", Kind: String, Role: Edge, Help: "Its address and port outside."},
		{Path: "TURN Relay [1..2000] Peers", Kind: Integer, Role: Edge, Help: "Peers that it may reach now."},
		{Path: "TURN Relay [1..2000] Channels", Kind: Integer, Role: Edge, Help: "Channels to peers."},
		{Path: "TURN Relay [1..2000] Duration", Kind: Integer, Unit: "seconds", Role: Edge, Help: "How long it has been there."},
	}
}
