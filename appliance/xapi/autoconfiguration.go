package xapi

// Which families an interface speaks, and where its IPv6 address comes from when
// nobody writes it down.
var (
	IPProtocol = Enum{&Item{
		Path: "IPProtocol", Kind: Enumeration, Values: []string{"Both", "IPv4", "IPv6"}, Default: "Both",
		Role: Both, Effect: CutsOff, Guide: "Network",
		Help:    "Families of addresses that this node uses; addresses of the other one stay in the configuration and are nobody's.",
		Differs: "both by default: an address that was written down is used",
	}}
	EthernetV6DHCP = Bool{&Item{
		Path: "Ethernet [1..2] IP V6 DHCP Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Takes an IPv6 address from a DHCPv6 server, and the gateway from the routers of the network; the address is written into the configuration.",
	}}
	EthernetV6Auto = Bool{&Item{
		Path: "Ethernet [1..2] IP V6 AutoConfiguration Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: CutsOff, Guide: "Network", New: true,
		Help: "Makes an IPv6 address in the prefix that the routers of the network name (SLAAC), and takes the gateway from them; the address is written into the configuration, unless a DHCPv6 server gives one too.",
	}}
)

func autoConfigurationItems() []*Item {
	return []*Item{IPProtocol.Item, EthernetV6DHCP.Item, EthernetV6Auto.Item}
}
