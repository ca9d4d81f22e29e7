package xapi

// Zones: who else there is to send requests to.
var (
	ZoneName = Str{&Item{
		Path: "Zones Zone [1..1000] Name", Kind: String, Min: 1, Max: 50,
		Role: Both, Guide: "Zones",
		Help: "Name of the zone, as rules and status give it.",
	}}
	ZoneType = Enum{&Item{
		Path: "Zones Zone [1..1000] Type", Kind: Enumeration,
		Values: []string{"Neighbor", "TraversalClient", "TraversalServer", "ENUM", "DNS"},
		Role:   Both, Effect: Reconnects, Guide: "Zones",
		Help: "What stands at the other end: a neighbor, the edge that core dials, the core that dials edge, numbers or domains of the name service.",
	}}
	ZoneHopCount = Int{&Item{
		Path: "Zones Zone [1..1000] HopCount", Kind: Integer, Min: 1, Max: 255, Default: "15",
		Role: Both, Guide: "Zones",
		Help: "Most hops that a request sent to the zone may still take.",
	}}
	ZoneSIPMode = Bool{&Item{
		Path: "Zones Zone [1..1000] SIP Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: Reconnects, Guide: "Zones",
		Help: "Lets SIP pass to and from the zone.",
	}}
	ZoneHideIdentifiers = Bool{&Item{
		Path: "Zones Zone [1..1000] SIP HideIdentifiers", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Effect: NewOnly, Guide: "Zones", New: true,
		Help: "Replaces Call-IDs, tags and host names minted inside before they leave; breaks features that refer to them.",
	}}
)

// A neighbor is reached at its peers' addresses.
var (
	NeighborPeerAddress = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor Peer [1..6] Address", Kind: Host, Max: 128,
		Role: Core, Effect: Reconnects, Guide: "Zones",
		Help: "Address or name of a peer of the neighbor.",
	}}
	NeighborSIPPort = Int{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "5061",
		Role: Core, Effect: Reconnects, Guide: "Zones",
		Help: "SIP port of the neighbor's peers.",
	}}
	NeighborSIPTransport = Enum{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Transport", Kind: Enumeration, Values: []string{"UDP", "TCP", "TLS"}, Default: "TLS",
		Role: Core, Effect: Reconnects, Guide: "Zones",
		Help: "Transport for SIP to the neighbor.",
	}}
	NeighborTLSVerify = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP TLS Verify Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: Reconnects, Guide: "Zones",
		Help: "Requires the neighbor's certificate to be trusted and to bear the peer's name.",
	}}
	NeighborRFC3327 = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP RFC3327 Enabled", Kind: Enumeration, Values: yesNo, Default: "Yes",
		Role: Core, Effect: NewOnly, Guide: "SIP Path headers",
		Help: "Puts core into the Path of registrations to the neighbor instead of rewriting Contact.",
	}}
	NeighborMediaEncryption = Enum{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Media Encryption Mode", Kind: Enumeration, Values: mediaEncryption, Default: "Auto",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help: "Whether media to the neighbor is encrypted: never, always, if it can be, or as the far end offers.",
	}}
	NeighborAuthTrust = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Authentication Trust Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Guide: "Zones",
		Help: "Believes the asserted identities that come from the neighbor.",
	}}
	NeighborMonitor = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor Monitor", Kind: Enumeration, Values: yesNo, Default: "Yes",
		Role: Core, Guide: "Zones",
		Help: "Asks the neighbor's peers regularly whether they are alive.",
	}}
	NeighborDeployment = Int{&Item{
		Path: "Zones Zone [1..1000] Neighbor DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Guide: "Deployment partitions", New: true,
		Help: "Number of the one deployment that the neighbor's peers serve.",
	}}
	NeighborNodeType = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor NodeType", Kind: Set, Values: []string{"UnifiedCM", "TFTP", "IMPresence", "UnityConnection"},
		Role: Core, Guide: "HTTP allow list", New: true,
		Help: "What runs on the neighbor's peers; the HTTP allow list gets the automatic rules of each type.",
	}}
)

// The two ends of the edge-core link.
var (
	TraversalClientPeerAddress = Str{&Item{
		Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] Address", Kind: Host, Max: 128,
		Role: Core, Effect: Reconnects, Guide: "Traversal zones",
		Help: "Name or address of an edge that core dials; it must stand in that edge's certificate.",
	}}
	TraversalClientSIPPort = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalClient SIP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "7001",
		Role: Core, Effect: Reconnects, Guide: "Traversal zones",
		Help:    "Port on which the edges take the link's SIP.",
		Differs: "the replaced product prints no default; this is edge's first port",
	}}
	TraversalClientRetry = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalClient RetryInterval", Kind: Integer, Min: 1, Max: 65534, Default: "120",
		Role: Core, Guide: "Traversal zones",
		Help: "Longest wait in seconds before core dials a lost edge again; the first tries come sooner.",
	}}
	TraversalClientMediaEncryption = Enum{&Item{
		Path: "Zones Zone [1..1000] TraversalClient SIP Media Encryption Mode", Kind: Enumeration, Values: mediaEncryption, Default: "On",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help:    "Whether media over the link is encrypted; remote access needs On.",
		Differs: "the link is always encrypted here, as a remote access zone must be",
	}}
	TraversalServerSIPPort = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalServer SIP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "7001",
		Role: Edge, Effect: Reconnects, Guide: "Traversal zones",
		Help:    "Port on which edge takes the link's SIP.",
		Differs: "the default does not count up with each zone; set a second zone's port",
	}}
	TraversalServerTLSVerify = Bool{&Item{
		Path: "Zones Zone [1..1000] TraversalServer SIP TLS Verify Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Edge, Effect: Reconnects, Guide: "Traversal zones",
		Help:    "Requires core's certificate to bear the subject name; remote access needs On.",
		Differs: "a link without a name check would let any trusted certificate in",
	}}
	TraversalServerSubjectName = Str{&Item{
		Path: "Zones Zone [1..1000] TraversalServer SIP TLS Verify Subject Name", Kind: DNSName, Max: 128,
		Role: Edge, Effect: Reconnects, Guide: "Traversal zones",
		Help: "Name that core's certificate must bear.",
	}}
	TraversalServerCollaborationEdge = Bool{&Item{
		Path: "Zones Zone [1..1000] TraversalServer Collaboration Edge", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Effect: Reconnects, Guide: "Traversal zones", New: true,
		Help: "Marks the zone as the one that carries remote access.",
	}}
	TraversalServerProbeInterval = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalServer TCPProbe KeepAliveInterval", Kind: Integer, Min: 1, Max: 65534, Default: "20",
		Role: Edge, Guide: "Traversal zones",
		Help: "Seconds between probes of a quiet link.",
	}}
	TraversalServerProbeRetries = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalServer TCPProbe RetryCount", Kind: Integer, Min: 1, Max: 65534, Default: "5",
		Role: Edge, Guide: "Traversal zones",
		Help: "Unanswered probes after which the link is taken for lost.",
	}}
	TraversalServerProbeRetry = Int{&Item{
		Path: "Zones Zone [1..1000] TraversalServer TCPProbe RetryInterval", Kind: Integer, Min: 1, Max: 65534, Default: "2",
		Role: Edge, Guide: "Traversal zones",
		Help: "Seconds to wait for the answer to a probe.",
	}}
)

func zoneItems() []*Item {
	return []*Item{
		ZoneName.Item, ZoneType.Item, ZoneHopCount.Item, ZoneSIPMode.Item, ZoneHideIdentifiers.Item,
		NeighborPeerAddress.Item, NeighborSIPPort.Item, NeighborSIPTransport.Item, NeighborTLSVerify.Item,
		NeighborRFC3327.Item, NeighborMediaEncryption.Item, NeighborAuthTrust.Item, NeighborMonitor.Item,
		NeighborDeployment.Item, NeighborNodeType.Item,
		TraversalClientPeerAddress.Item, TraversalClientSIPPort.Item, TraversalClientRetry.Item,
		TraversalClientMediaEncryption.Item, TraversalServerSIPPort.Item, TraversalServerTLSVerify.Item,
		TraversalServerSubjectName.Item, TraversalServerCollaborationEdge.Item,
		TraversalServerProbeInterval.Item, TraversalServerProbeRetries.Item, TraversalServerProbeRetry.Item,
	}
}
