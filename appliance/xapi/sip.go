package xapi

// Client connections: transports, limits, domains.
var (
	SIPMode = Bool{&Item{
		Path: "SIP Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: Reconnects, Guide: "SIP",
		Help:    "Serves SIP at all.",
		Differs: "SIP is what this product is for, so it is on from the start",
	}}
	SIPTLSMode = Bool{&Item{
		Path: "SIP TLS Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: Reconnects, Guide: "SIP",
		Help: "Listens for SIP over TLS.",
	}}
	SIPTLSPort = Int{&Item{
		Path: "SIP TLS Port", Kind: Integer, Min: 1024, Max: 65534, Default: "5061",
		Role: Both, Effect: Reconnects, Guide: "SIP",
		Help: "Port for SIP over TLS.",
	}}
	SIPTCPMode = Bool{&Item{
		Path: "SIP TCP Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: Reconnects, Guide: "SIP",
		Help: "Listens for SIP over TCP.",
	}}
	SIPTCPPort = Int{&Item{
		Path: "SIP TCP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "5060",
		Role: Both, Effect: Reconnects, Guide: "SIP",
		Help: "Port for SIP over TCP.",
	}}
	SIPUDPMode = Bool{&Item{
		Path: "SIP UDP Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: Reconnects, Guide: "SIP",
		Help: "Listens for SIP over UDP on the inside.",
	}}
	SIPUDPPort = Int{&Item{
		Path: "SIP UDP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "5060",
		Role: Core, Effect: Reconnects, Guide: "SIP",
		Help: "Port for SIP over UDP.",
	}}
	SIPTCPOutboundStart = Int{&Item{
		Path: "SIP TCP Outbound Port Start", Kind: Integer, Min: 1024, Max: 65534, Default: "25000",
		Role: Core, Effect: NewOnly, Guide: "SIP",
		Help: "Lowest local port for SIP connections that core opens.",
	}}
	SIPTCPOutboundEnd = Int{&Item{
		Path: "SIP TCP Outbound Port End", Kind: Integer, Min: 1024, Max: 65534, Default: "29999",
		Role: Core, Effect: NewOnly, Guide: "SIP",
		Help: "Highest local port for SIP connections that core opens.",
	}}
	SIPMaxSize = Int{&Item{
		Path: "SIP Advanced SipMaxSize", Kind: Integer, Min: 1, Max: 1048576, Default: "32768",
		Role: Both, Guide: "SIP",
		Help: "Largest SIP message in bytes that is taken.",
	}}
	SIPTCPConnectTimeout = Int{&Item{
		Path: "SIP Advanced SipTcpConnectTimeout", Kind: Integer, Min: 1, Max: 150, Default: "10",
		Role: Core, Guide: "SIP",
		Help: "Seconds to wait for a SIP connection to be made.",
	}}
	SIPTLSVersions = Enum{&Item{
		Path: "SIP Advanced SipTlsVersions", Kind: Enumeration, Default: "TLSv1.2:TLSv1.3",
		Values: []string{
			"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3", "TLSv1:TLSv1.1", "TLSv1:TLSv1.2", "TLSv1.1:TLSv1.2",
			"TLSv1:TLSv1.1:TLSv1.2", "TLSv1.1:TLSv1.2:TLSv1.3", "TLSv1.2:TLSv1.3", "TLSv1:TLSv1.1:TLSv1.2:TLSv1.3",
		},
		Role: Both, Effect: NewOnly, Guide: "SIP",
		Help: "TLS versions that SIP connections may use; a gap is closed, since a range is negotiated.",
	}}
	SIPDomainName = Str{&Item{
		Path: "SIP Domain [1..200] Name", Kind: DNSName, Max: 128,
		Role: Both, Guide: "Domains",
		Help: "Domain that this node serves.",
	}}
	SIPDomainSip = Bool{&Item{
		Path: "SIP Domain [1..200] Sip", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Guide: "Domains",
		Help: "Routes SIP for the domain.",
	}}
	SIPDomainEdge = Bool{&Item{
		Path: "SIP Domain [1..200] Edge", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Guide: "Domains",
		Help: "Serves remote clients of the domain.",
	}}
	SIPDomainAuthzone = Str{&Item{
		Path: "SIP Domain [1..200] Authzone", Kind: String, Max: 128,
		Role: Both, Guide: "Domains",
		Help: "Zone that registrations of the domain go to: on core its registrar's, on edge a core's; empty lets the search rules decide.",
	}}
	SIPDomainDeployment = Int{&Item{
		Path: "SIP Domain [1..200] DeploymentId", Kind: Integer, Min: 1, Max: 65535, Default: "1",
		Role: Core, Guide: "Deployment partitions", New: true,
		Help: "Number of the one deployment whose services users of the domain may reach.",
	}}
)

func sipItems() []*Item {
	return []*Item{
		SIPMode.Item, SIPTLSMode.Item, SIPTLSPort.Item, SIPTCPMode.Item, SIPTCPPort.Item,
		SIPUDPMode.Item, SIPUDPPort.Item, SIPTCPOutboundStart.Item, SIPTCPOutboundEnd.Item,
		SIPMaxSize.Item, SIPTCPConnectTimeout.Item, SIPTLSVersions.Item,
		SIPDomainName.Item, SIPDomainSip.Item, SIPDomainEdge.Item, SIPDomainAuthzone.Item,
		SIPDomainDeployment.Item,
	}
}
