package xapi

// Name servers of some domains only, and how name servers are asked.
var (
	DNSPerDomainAddress = Str{&Item{
		Path: "DNS PerDomainServer [1..5] Address", Kind: IP, Max: 39,
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Address of a name server that is asked for two domains, and what lies below them, instead of the others.",
	}}
	DNSPerDomain1 = Str{&Item{
		Path: "DNS PerDomainServer [1..5] Domain1", Kind: DNSName, Max: 39,
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "First domain that the server is asked for.",
	}}
	DNSPerDomain2 = Str{&Item{
		Path: "DNS PerDomainServer [1..5] Domain2", Kind: DNSName, Max: 39,
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Second domain that the server is asked for.",
	}}
	IPDNSEphemeral = Bool{&Item{
		Path: "IP DNS UseEphemeralPortRange", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Asks name servers from ports of IP Ephemeral PortRange; Off takes those of IP DNS MinPort to MaxPort.",
	}}
	IPDNSMinPort = Int{&Item{
		Path: "IP DNS MinPort", Kind: Integer, Min: 1024, Max: 65535, Default: "1024",
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "First port that name servers are asked from, without IP DNS UseEphemeralPortRange.",
	}}
	IPDNSMaxPort = Int{&Item{
		Path: "IP DNS MaxPort", Kind: Integer, Min: 1024, Max: 65535, Default: "65535",
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Last port that name servers are asked from, without IP DNS UseEphemeralPortRange.",
	}}
	IPDNSSearchDomains = Str{&Item{
		Path: "IP DNS SearchDomains", Kind: String, Max: 1024,
		Role: Both, Effect: NewOnly, Guide: "Network",
		Help: "Further domains, separated by blanks, that are added to names without one; of the appliance only.",
	}}
)

// Where the clock stands.
var TimeZoneName = Str{&Item{
	Path: "TimeZone Name", Kind: String, Max: 64, Default: "GMT",
	Role: Both, Guide: "Network",
	Help: "Time zone in which xStatus SystemUnit tells the local time, by its name in the IANA database.",
}}

// How packets are marked for the networks that carry them; all but media on the
// appliance only.
var (
	QoSAudio = Int{&Item{
		Path: "QoS Audio", Kind: Integer, Max: 63, Default: "46",
		Role: Both, Guide: "Network",
		Help: "DSCP of the media packets of sound, and of all media that is no picture.",
	}}
	QoSVideo = Int{&Item{
		Path: "QoS Video", Kind: Integer, Max: 63, Default: "34",
		Role: Both, Guide: "Network",
		Help: "DSCP of the media packets of pictures.",
	}}
	IPQoSMode = Enum{&Item{
		Path: "IP QoS Mode", Kind: Enumeration, Values: []string{"None", "DiffServ"}, Default: "None",
		Role: Both, Guide: "Network",
		Help: "DiffServ marks what no QoS setting of a kind of packets marks by IP QoS Value; on the appliance.",
	}}
	IPQoSValue = Int{&Item{
		Path: "IP QoS Value", Kind: Integer, Max: 63, Default: "0",
		Role: Both, Guide: "Network",
		Help: "DSCP of those packets.",
	}}
	QoSSignaling = Int{&Item{
		Path: "QoS Signaling", Kind: Integer, Max: 63, Default: "24",
		Role: Both, Guide: "Network",
		Help: "DSCP of SIP packets.",
	}}
)

// Who may administer an edge whose one interface faces the outside.
var (
	FirewallManagementAddress = Str{&Item{
		Path: "Firewall Management [1..10] Address", Kind: IP, Max: 39,
		Role: Edge, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Network from which an edge with one interface is administered and its core comes; with none named, from everywhere.",
	}}
	FirewallManagementPrefixLength = Int{&Item{
		Path: "Firewall Management [1..10] PrefixLength", Kind: Integer, Max: 128, Default: "32",
		Role: Edge, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Prefix length of that network.",
	}}
)

func machineItems() []*Item {
	return []*Item{
		DNSPerDomainAddress.Item, DNSPerDomain1.Item, DNSPerDomain2.Item,
		IPDNSEphemeral.Item, IPDNSMinPort.Item, IPDNSMaxPort.Item, IPDNSSearchDomains.Item,
		TimeZoneName.Item, QoSAudio.Item, QoSVideo.Item, QoSSignaling.Item, IPQoSMode.Item, IPQoSValue.Item,
		FirewallManagementAddress.Item, FirewallManagementPrefixLength.Item,
	}
}

// AlarmManagementOpen is raised by an edge with one interface.
var AlarmManagementOpen = &Alarm{
	ID: 79007, Title: "Management open to the outside", Severity: "Warning", Role: Edge,
	Cause:  "This edge has one interface, which faces the outside, so the shell and the ports of the link can be reached from there by anybody.",
	Remedy: "Name the networks of administrators and of core by Firewall Management, or give the edge a second interface.",
}

// machineStatuses are readings of the machine.
func machineStatuses() []*Status {
	return []*Status{
		{Path: "SystemUnit LocalTime", Kind: String, Role: Both, Help: "This node's clock in the zone of TimeZone Name."},
		{Path: "Hardware Disk [1..16] Wear", Kind: Integer, Unit: "%", Role: Both, Help: "Part of its life that is used up, where the disk says so: NVMe, eMMC and SATA."},
		{Path: "Hardware Disk [1..16] Health", Kind: Enumeration, Role: Both, Help: "Good, or Failing where the disk warns of its end; absent where it does not tell."},
		{Path: "Hardware LED [1..64] Name", Kind: String, Role: Both, Help: "Name of a light."},
		{Path: "Hardware LED [1..64] Lit", Kind: Enumeration, Role: Both, Help: "Whether it is lit."},
		{Path: "Hardware TPM", Kind: Enumeration, Role: Both, Help: "Whether the machine has a TPM 2.0, which then seals the key for stored passwords."},
		{Path: "Hardware PowerButton", Kind: Enumeration, Role: Both, Help: "Whether the machine has a power button that is heeded."},
		{Path: "Hardware Memory Size", Kind: Integer, Unit: "MiB", Role: Both, Help: "Memory of the machine."},
		{Path: "Hardware Memory Free", Kind: Integer, Unit: "MiB", Role: Both, Help: "What of it can still be given out."},
		{Path: "Hardware Memory Node", Kind: Integer, Unit: "MiB", Role: Both, Help: "What the node's process has of it."},
		{Path: "NetworkInterface Ethernet [1..8] ReceiveErrors", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets that came in broken."},
		{Path: "NetworkInterface Ethernet [1..8] SendErrors", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets that could not be sent."},
		{Path: "NetworkInterface Ethernet [1..8] Dropped", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets that there was no room for."},
		{Path: "NetworkInterface Ethernet [1..8] Received", Kind: Integer, Unit: "MiB", Role: Both, Help: "What came in."},
		{Path: "NetworkInterface Ethernet [1..8] Sent", Kind: Integer, Unit: "MiB", Role: Both, Help: "What was sent."},
		{Path: "Firewall Rule [1..1000] Number", Kind: Integer, Role: Both, Help: "Number of the rule in Firewall Rule; automatic ones have none."},
		{Path: "Firewall Rule [1..1000] Description", Kind: String, Role: Both, Help: "What it is for, as its Description says."},
		{Path: "Firewall Rule [1..1000] Action", Kind: Enumeration, Role: Both, Help: "What it does."},
		{Path: "Firewall Rule [1..1000] Packets", Kind: Integer, Unit: "packets", Role: Both, Help: "First packets of connections that it decided on."},
		{Path: "Firewall Rule [1..1000] Bytes", Kind: Integer, Unit: "bytes", Role: Both, Help: "Their size."},
	}
}

// What the machine's interfaces meet.
var (
	AlarmInterfacesMoved = &Alarm{
		ID: 79010, Title: "Network interfaces changed places", Severity: "Error", Role: Both,
		Cause:  "An interface that was one LAN at the start before is another now, or none: a card was added or put elsewhere, and addresses and firewall went with the place.",
		Remedy: "Put the cards or cables back, or say by Ethernet HardwareAddress which hardware is meant, as the detail spells out.",
	}
	AlarmDHCPSilent = &Alarm{
		ID: 79011, Title: "DHCP server silent", Severity: "Warning", Role: Both,
		Cause:  "An interface is to have its address from a DHCP server, and none answers; an address that one gave before stays meanwhile.",
		Remedy: "Check the cable, the VLAN and the DHCP server, or give the interface an address of its own.",
	}
)

// AlarmMemory is raised while memory runs short.
var AlarmMemory = &Alarm{
	ID: 79008, Title: "Memory low", Severity: "Warning", Role: Both,
	Cause:  "More of the machine's memory is in use than ResourceUsage Warning Activation Level.",
	Remedy: "Give the machine more memory, or fewer users.",
}
