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
	EthernetV4SubnetMask = Str{&Item{
		Path: "Ethernet [1..2] IP V4 SubnetMask", Kind: IPv4, Max: 15, Default: "255.255.255.0",
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help:    "Subnet mask of the interface's IPv4 network.",
		Differs: "unset is the mask of most networks",
	}}
	EthernetV4DHCP = Bool{&Item{
		Path: "Ethernet [1..2] IP V4 DHCP Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Takes address, subnet mask and gateway from a DHCP server; the address is written into the configuration.",
	}}
	EthernetV6PrefixLength = Int{&Item{
		Path: "Ethernet [1..2] IP V6 PrefixLength", Kind: Integer, Min: 1, Max: 128, Default: "64",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Prefix length of the interface's IPv6 network.",
	}}
	EthernetSpeed = Enum{&Item{
		Path: "Ethernet [1..2] Speed", Kind: Enumeration, Default: "Auto",
		Values: []string{"Auto", "10half", "10full", "100half", "100full", "1000full"},
		Role:   Both, Effect: CutsOff, Guide: "Network",
		Help:    "Speed and duplex of the interface; Auto agrees on them with the far end.",
		Differs: "the same values; theirs lack the closing mark",
	}}
	EthernetMTU = Int{&Item{
		Path: "Ethernet [1..2] MTU", Kind: Integer, Min: 1280, Max: 9216, Default: "1500",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Largest packet that the interface sends, in bytes.",
	}}
	EthernetVLAN = Int{&Item{
		Path: "Ethernet [1..2] VLAN", Kind: Integer, Max: 4094, Default: "0",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Tag of the VLAN that carries the interface's addresses; 0 is untagged.",
	}}
	EthernetHardware = Str{&Item{
		Path: "Ethernet [1..2] HardwareAddress", Kind: String, Max: 17,
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "MAC address of the hardware that is meant; empty takes the first or second in the machine.",
	}}
)

func ethernetItems() []*Item {
	return []*Item{
		EthernetV4Address.Item, EthernetV4StaticNATMode.Item,
		EthernetV4StaticNATAddress.Item, EthernetV6Address.Item,
		EthernetV4SubnetMask.Item, EthernetV4DHCP.Item, EthernetV6PrefixLength.Item,
		EthernetSpeed.Item, EthernetMTU.Item, EthernetVLAN.Item, EthernetHardware.Item,
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

// Ways out of the networks that the interfaces are in.
var (
	IPGateway = Str{&Item{
		Path: "IP Gateway", Kind: IPv4, Max: 15,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help:    "Gateway of everything in IPv4 that no route names.",
		Differs: "it is empty by default: an address that is nobody's would say nothing",
	}}
	IPV6Gateway = Str{&Item{
		Path: "IP V6 Gateway", Kind: IPv6, Max: 39,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "Gateway of everything in IPv6 that no route names.",
	}}
	IPRouteAddress = Str{&Item{
		Path: "IP Route [1..50] Address", Kind: IP, Max: 39,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "Network that the route leads to.",
	}}
	IPRoutePrefixLength = Int{&Item{
		Path: "IP Route [1..50] PrefixLength", Kind: Integer, Max: 128, Default: "32",
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "Prefix length of that network.",
	}}
	IPRouteGateway = Str{&Item{
		Path: "IP Route [1..50] Gateway", Kind: IP, Max: 39,
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "Neighbour that the route goes by.",
	}}
	IPRouteInterface = Enum{&Item{
		Path: "IP Route [1..50] Interface", Kind: Enumeration, Values: []string{"Auto", "LAN1", "LAN2"}, Default: "Auto",
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help: "Interface that the route goes by; Auto takes the one that reaches the gateway.",
	}}
	IPEphemeralStart = Int{&Item{
		Path: "IP Ephemeral PortRange Start", Kind: Integer, Min: 1024, Max: 65534, Default: "30000",
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "First port of connections that this node opens where nothing else says which.",
	}}
	IPEphemeralEnd = Int{&Item{
		Path: "IP Ephemeral PortRange End", Kind: Integer, Min: 1024, Max: 65534, Default: "35999",
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Last port of connections that this node opens where nothing else says which.",
	}}
)

func ipItems() []*Item {
	return []*Item{
		IPExternalInterface.Item, IPDNSHostname.Item, IPDNSDomainName.Item, IPGateway.Item, IPV6Gateway.Item,
		IPRouteAddress.Item, IPRoutePrefixLength.Item, IPRouteGateway.Item, IPRouteInterface.Item,
		IPEphemeralStart.Item, IPEphemeralEnd.Item,
	}
}

// The machine's clock.
var (
	NTPServerAddress = Str{&Item{
		Path: "NTP Server [1..5] Address", Kind: Host, Max: 128,
		Role: Both, Guide: "Network",
		Help: "Address or name of a time server.",
	}}
)

func timeItems() []*Item { return []*Item{NTPServerAddress.Item} }
