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

func loadItems() []*Item { return []*Item{SystemUnitMaintenance.Item} }

func loadStatuses() []*Status {
	return []*Status{
		{Path: "SystemUnit Maintenance Mode", Kind: Enumeration, Role: Both, Help: "Whether this node is in maintenance mode."},
		{Path: "SystemUnit Maintenance Calls", Kind: Integer, Role: Both, Help: "Calls that are left, in maintenance mode."},
		{Path: "SystemUnit Maintenance Registrations", Kind: Integer, Role: Both, Help: "Registrations that are left, in maintenance mode; on core those that its edges hold for it, and its own."},
		{Path: "ResourceUsage Calls Limit", Kind: Integer, Role: Both, Help: "Most calls that this node takes; one that is recorded by a phone counts as three."},
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
