package xapi

// Name servers.
var (
	DNSServerAddress = Str{&Item{
		Path: "DNS Server [1..5] Address", Kind: IP, Max: 39,
		Role: Both, Guide: "Network",
		Help: "Address of a name server; with none the machine's own resolver answers.",
	}}
)

func dnsItems() []*Item { return []*Item{DNSServerAddress.Item} }

// Network interfaces and what stands in front of them.
var (
	EthernetV4Address = Str{&Item{
		Path: "Ethernet [1..2] IP V4 Address", Kind: IPv4, Max: 15,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help:    "IPv4 address of the interface on which this node listens.",
		Differs: "it may be empty, for an interface without IPv4",
	}}
	EthernetV4StaticNATMode = Bool{&Item{
		Path: "Ethernet [1..2] IP V4 StaticNAT Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Effect: NewOnly, Guide: "Network",
		Help: "Tells remote clients the static NAT address instead of the interface's own.",
	}}
	EthernetV4StaticNATAddress = Str{&Item{
		Path: "Ethernet [1..2] IP V4 StaticNAT Address", Kind: IPv4, Max: 15,
		Role: Edge, Effect: NewOnly, Guide: "Network",
		Help:    "IPv4 address under which the outside reaches the interface.",
		Differs: "it may be empty, where there is no static NAT",
	}}
	EthernetV6Address = Str{&Item{
		Path: "Ethernet [1..2] IP V6 Address", Kind: IPv6, Max: 39,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "IPv6 address of the interface on which this node listens.",
	}}
)

func ethernetItems() []*Item {
	return []*Item{
		EthernetV4Address.Item, EthernetV4StaticNATMode.Item,
		EthernetV4StaticNATAddress.Item, EthernetV6Address.Item,
	}
}

// Which side is outside, and what the node is called.
var (
	IPExternalInterface = Enum{&Item{
		Path: "IP External Interface", Kind: Enumeration, Values: []string{"LAN1", "LAN2"}, Default: "LAN1",
		Role: Edge, Effect: CutsOff, Guide: "Network",
		Help: "Interface that faces remote clients; the other faces core.",
	}}
	IPDNSHostname = Str{&Item{
		Path: "IP DNS Hostname", Kind: DNSName, Max: 63,
		Role: Both, Guide: "Network",
		Help: "Name of this node without its domain.",
	}}
	IPDNSDomainName = Str{&Item{
		Path: "IP DNS Domain Name", Kind: DNSName, Max: 128,
		Role: Both, Guide: "Network",
		Help: "Domain of this node, added to names that have none.",
	}}
)

func ipItems() []*Item {
	return []*Item{IPExternalInterface.Item, IPDNSHostname.Item, IPDNSDomainName.Item}
}
