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
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Maintenance", Kind: Enumeration, Role: Core, Help: "On while the edge is in maintenance mode."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Maintenance", Kind: Enumeration, Role: Edge, Help: "On while the core is in maintenance mode."},
	}
}

func loadAlarms() []*Alarm { return []*Alarm{AlarmMaintenance} }
