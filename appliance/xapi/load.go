package xapi

// Taking a node out of service without dropping calls.
var SystemUnitMaintenance = Bool{&Item{
	Path: "SystemUnit Maintenance Mode", Kind: Enumeration, Values: onOff, Default: "Off",
	Role: Both, Effect: NewOnly, Guide: "Maintenance",
	Help: "On takes no new registrations and no new calls, so that users move to other nodes; calls in progress go on.",
}}

// AlarmMaintenance is raised while a node is in maintenance mode.
var AlarmMaintenance = &Alarm{
	ID: 15015, Title: "Maintenance mode", Severity: "Warning", Role: Both,
	Cause:  "This node is in maintenance mode and takes no new registrations and no new calls.",
	Remedy: "Wait until nothing is left of calls and registrations, do the work, and set SystemUnit Maintenance Mode to Off.",
}

// What media may take of this node, as the replaced product counts calls that it
// carries itself.
var (
	BandwidthMode = Enum{&Item{
		Path: "Zones LocalZone TraversalSubZone Bandwidth Total Mode", Kind: Enumeration, Values: []string{"Limited", "Unlimited", "NoBandwidth"}, Default: "Unlimited",
		Role: Both, Effect: NewOnly, Guide: "Capacity",
		Help:    "Whether new calls are refused, with 503, while media takes all that Limit allows; NoBandwidth refuses all.",
		Differs: "what is measured counts, not what was negotiated, and calls are never made smaller",
	}}
	BandwidthLimit = Int{&Item{
		Path: "Zones LocalZone TraversalSubZone Bandwidth Total Limit", Kind: Integer, Min: 1, Max: 100000000, Default: "500000",
		Role: Both, Effect: NewOnly, Guide: "Capacity",
		Help: "Media in kbit/s that this node may take in, for the mode Limited.",
	}}
)

func loadItems() []*Item {
	return []*Item{SystemUnitMaintenance.Item, BandwidthMode.Item, BandwidthLimit.Item}
}

func loadStatuses() []*Status {
	return []*Status{
		{Path: "SystemUnit Maintenance Mode", Kind: Enumeration, Role: Both, Help: "Whether this node is in maintenance mode."},
		{Path: "SystemUnit Maintenance Calls", Kind: Integer, Role: Both, Help: "Calls that are left, in maintenance mode."},
		{Path: "SystemUnit Maintenance Registrations", Kind: Integer, Role: Both, Help: "Registrations that are left, in maintenance mode; on core those that its edges hold for it, and its own."},
		{Path: "SystemUnit Maintenance ChatStreams", Kind: Integer, Role: Edge, Help: "Chat streams that are left, in maintenance mode."},
		{Path: "ResourceUsage Calls Limit", Kind: Integer, Role: Both, Help: "Most calls that this node takes; one that is recorded by a phone counts as three."},
		{Path: "ResourceUsage Basis", Kind: String, Role: Both, Help: "What the limits of calls and registrations were made from."},
		{Path: "ResourceUsage Bandwidth Current", Kind: Integer, Unit: "kbit/s", Role: Both, Help: "Media that this node takes in now, without the headers of IP and UDP."},
		{Path: "ResourceUsage Bandwidth Max", Kind: Integer, Unit: "kbit/s", Role: Both, Help: "Most since the start."},
		{Path: "ResourceUsage Bandwidth Limit", Kind: Integer, Unit: "kbit/s", Role: Both, Help: "Most that it may be before new calls are refused; absent while there is no limit."},
		{Path: "ResourceUsage Registrations Limit", Kind: Integer, Role: Edge, Help: "Most registrations that this node takes."},
		{Path: "ResourceUsage Overload Level", Kind: Enumeration, Role: Both, Help: "What is turned away now: None, Strangers, or NewCalls with them."},
		{Path: "ResourceUsage Overload Delay", Kind: Integer, Unit: "ms", Role: Both, Help: "How long what is ready waits for a processor; one in a hundred waits longer."},
		{Path: "ResourceUsage Overload MemoryUsed", Kind: Integer, Unit: "MiB", Role: Both, Help: "Memory that the node needs."},
		{Path: "ResourceUsage Overload MemoryLimit", Kind: Integer, Unit: "MiB", Role: Both, Help: "Memory that it may have: of GOMEMLIMIT, the container or the machine."},
		{Path: "ResourceUsage Overload Refused", Kind: Integer, Unit: "requests", Role: Both, Help: "Requests that overload turned away since the start."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Maintenance", Kind: Enumeration, Role: Core, Help: "On while the edge is in maintenance mode."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Maintenance", Kind: Enumeration, Role: Edge, Help: "On while the core is in maintenance mode."},
	}
}

func loadAlarms() []*Alarm { return []*Alarm{AlarmMaintenance, AlarmOverload} }

// AlarmOverload is raised while a node turns away what is new.
var AlarmOverload = &Alarm{
	ID: 30048, Title: "Approaching Capacity warning", Severity: "Warning", Role: Both,
	Cause:  "This node has more to do than it can and turns away what is new with 503, so that calls in progress do not suffer.",
	Remedy: "See xStatus ResourceUsage for what is short; add a node, or give this one more processors or memory.",
}
