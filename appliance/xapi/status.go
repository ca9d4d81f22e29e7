package xapi

import "strings"

// Status is one xStatus row. What it reads is bound where the node is
// assembled.
type Status struct {
	Path string // "Zones Zone [1..3000] Status"
	Kind Kind
	Unit string // of a number: "s", "packets"; empty = none
	Role Role
	Help string // one sentence
}

// StatusElements lists the first words of the rows that role has, in order: what
// xStatus ? prints.
func StatusElements(role Role) []string {
	var out []string
	for _, s := range Statuses() {
		first, _, _ := strings.Cut(s.Path, " ")
		if s.Role&role != 0 && (len(out) == 0 || out[len(out)-1] != first) {
			out = append(out, first)
		}
	}
	return out
}

// statusRows writes a list entry's number as a range, as items do. Readings are
// assembled by their owners as Node trees; these rows are what help, completion
// and reference.md say of them.
func statusRows() []*Status {
	return []*Status{
		{Path: "SystemUnit Name", Kind: String, Role: Both, Help: "Name of this node."},
		{Path: "SystemUnit Product", Kind: String, Role: Both, Help: "Name of the product."},
		{Path: "SystemUnit Role", Kind: Enumeration, Role: Both, Help: "Role of this node: edge or core."},
		{Path: "SystemUnit Uptime", Kind: Integer, Unit: "s", Role: Both, Help: "Time since the application started."},
		{Path: "SystemUnit SystemTime", Kind: Time, Role: Both, Help: "This node's clock."},
		{Path: "SystemUnit Software Version", Kind: String, Role: Both, Help: "Version of the software."},
		{Path: "SystemUnit Configuration Revision", Kind: Integer, Role: Both, Help: "Newest committed revision."},
		{Path: "SystemUnit Configuration Pending", Kind: Time, Role: Both, Help: "When an unconfirmed change is taken back."},
		{Path: "SystemUnit Secrets KeyLocation", Kind: String, Role: Both, Help: "Where the key lies that seals stored passwords."},
		{Path: "SystemUnit Hardware Model", Kind: String, Role: Both, Help: "Model of the machine."},
		{Path: "SystemUnit Hardware SerialNumber", Kind: String, Role: Both, Help: "Serial number of the machine."},
		{Path: "SystemUnit Hardware Board", Kind: String, Role: Both, Help: "Kind of machine that the image was made for."},
		{Path: "SystemUnit Hardware Uptime", Kind: Integer, Unit: "s", Role: Both, Help: "Time since the machine started."},
		{Path: "SystemUnit Software Development", Kind: Enumeration, Role: Both, Help: "Whether the image was built without a release key."},
		{Path: "SystemUnit Slot [1..3] Name", Kind: String, Role: Both, Help: "Name of a slot: a, b or recovery."},
		{Path: "SystemUnit Slot [1..3] Software", Kind: String, Role: Both, Help: "System in the slot."},
		{Path: "SystemUnit Slot [1..3] State", Kind: Enumeration, Role: Both, Help: "Whether it is good, on trial, failed or empty."},
		{Path: "SystemUnit Slot [1..3] TriesLeft", Kind: Integer, Role: Both, Help: "Starts that a system on trial has left."},
		{Path: "SystemUnit Slot [1..3] Running", Kind: Enumeration, Role: Both, Help: "Whether it runs now."},
		{Path: "Hardware Temperature [1..64] Name", Kind: String, Role: Both, Help: "Name of a sensor."},
		{Path: "Hardware Temperature [1..64] Value", Kind: Integer, Unit: "C", Role: Both, Help: "What the sensor reads."},
		{Path: "Hardware Disk [1..16] Name", Kind: String, Role: Both, Help: "Name of a disk."},
		{Path: "Hardware Disk [1..16] Model", Kind: String, Role: Both, Help: "Model of the disk."},
		{Path: "Hardware Disk [1..16] Size", Kind: Integer, Unit: "MiB", Role: Both, Help: "Size of the disk."},
		{Path: "Hardware Data Size", Kind: Integer, Unit: "MiB", Role: Both, Help: "Size of the data partition."},
		{Path: "Hardware Data Free", Kind: Integer, Unit: "MiB", Role: Both, Help: "Room left on it."},
		{Path: "NetworkInterface Ethernet [1..8] LAN", Kind: Integer, Role: Both, Help: "LAN interface that the hardware is; 0 if none."},
		{Path: "NetworkInterface Ethernet [1..8] Name", Kind: String, Role: Both, Help: "Name of the hardware."},
		{Path: "NetworkInterface Ethernet [1..8] MacAddress", Kind: String, Role: Both, Help: "Its MAC address."},
		{Path: "NetworkInterface Ethernet [1..8] Link", Kind: Enumeration, Role: Both, Help: "Whether a cable and a far end are there."},
		{Path: "NetworkInterface Ethernet [1..8] Speed", Kind: String, Role: Both, Help: "Speed that was agreed on."},
		{Path: "NetworkInterface Ethernet [1..8] Address [1..16]", Kind: String, Role: Both, Help: "An address that it has."},
		{Path: "NetworkInterface Ethernet [1..8] Errors", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets lost by faults."},
		{Path: "NTP Server [1..5] Address", Kind: String, Role: Both, Help: "Time server."},
		{Path: "NTP Server [1..5] Condition", Kind: String, Role: Both, Help: "What its last answer was worth."},
		{Path: "NTP Server [1..5] Stratum", Kind: Integer, Role: Both, Help: "Its distance from a reference clock."},
		{Path: "NTP Server [1..5] Offset", Kind: Integer, Unit: "ms", Role: Both, Help: "How far this node's clock was off."},
		{Path: "NTP Synchronized", Kind: Enumeration, Role: Both, Help: "Whether the clock agreed with the servers in the last hour."},
		{Path: "Alarm Alarm [1..1000] ID", Kind: Integer, Role: Both, Help: "Id of a raised alarm."},
		{Path: "Alarm Alarm [1..1000] Title", Kind: String, Role: Both, Help: "Title of the alarm."},
		{Path: "Alarm Alarm [1..1000] Severity", Kind: Enumeration, Role: Both, Help: "Severity of the alarm."},
		{Path: "Alarm Alarm [1..1000] Key", Kind: String, Role: Both, Help: "What the alarm is about."},
		{Path: "Alarm Alarm [1..1000] Detail", Kind: String, Role: Both, Help: "Newest cause in words."},
		{Path: "Alarm Alarm [1..1000] Raised", Kind: Time, Role: Both, Help: "When the alarm was raised."},
		{Path: "Alarm Alarm [1..1000] Acknowledged", Kind: Enumeration, Role: Both, Help: "Whether an administrator has seen it."},
		{Path: "Zones Zone [1..3000] Name", Kind: String, Role: Both, Help: "Name of the zone."},
		{Path: "Zones Zone [1..3000] Type", Kind: Enumeration, Role: Both, Help: "Type of the zone."},
		{Path: "Zones Zone [1..3000] Status", Kind: Enumeration, Role: Both, Help: "Active if at least one peer is."},
		{Path: "Zones Zone [1..3000] Neighbor Peer [1..6] SIP Address", Kind: String, Role: Core, Help: "Address of the peer."},
		{Path: "Zones Zone [1..3000] Neighbor Peer [1..6] SIP Port", Kind: Integer, Role: Core, Help: "Port of the peer."},
		{Path: "Zones Zone [1..3000] Neighbor Peer [1..6] SIP Status", Kind: Enumeration, Role: Core, Help: "Whether the peer answers."},
		{Path: "Zones Zone [1..3000] Neighbor Peer [1..6] SIP LastStatusChange", Kind: Time, Role: Core, Help: "When that changed."},
		{Path: "Zones Zone [1..3000] Neighbor Peer [1..6] SIP Cause", Kind: String, Role: Core, Help: "Why the peer is not active."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Address", Kind: String, Role: Core, Help: "Address of the edge."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Port", Kind: Integer, Role: Core, Help: "Port of the edge."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Status", Kind: Enumeration, Role: Core, Help: "Whether the link to the edge is up."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Node", Kind: String, Role: Core, Help: "What the peer calls itself."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP LastStatusChange", Kind: Time, Role: Core, Help: "When that changed."},
		{Path: "Zones Zone [1..1000] TraversalClient Peer [1..6] SIP Cause", Kind: String, Role: Core, Help: "Why the link is down."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Address", Kind: String, Role: Edge, Help: "Address that the core came from."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Port", Kind: Integer, Role: Edge, Help: "Port that the core came from."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Status", Kind: Enumeration, Role: Edge, Help: "Whether the link to the core is up."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Node", Kind: String, Role: Edge, Help: "What the peer calls itself."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP LastStatusChange", Kind: Time, Role: Edge, Help: "When that changed."},
		{Path: "Zones Zone [1..1000] TraversalServer Peer [1..100] SIP Cause", Kind: String, Role: Edge, Help: "Why the link is down."},
		{Path: "Calls Call [1..100000] Leg [1..8] Address", Kind: String, Role: Both, Help: "Where the leg's media comes from."},
		{Path: "Calls Call [1..100000] Leg [1..8] Kind", Kind: String, Role: Both, Help: "Media kind and side of the leg."},
		{Path: "Calls Call [1..100000] Leg [1..8] Encryption", Kind: String, Role: Both, Help: "SRTP suite of the leg."},
		{Path: "Calls Call [1..100000] Leg [1..8] Received", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets taken."},
		{Path: "Calls Call [1..100000] Leg [1..8] Sent", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets given."},
		{Path: "Calls Call [1..100000] Leg [1..8] Lost", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets that never came."},
		{Path: "Calls Call [1..100000] Leg [1..8] Jitter", Kind: Integer, Unit: "ms", Role: Both, Help: "Jitter of what came."},
		{Path: "Calls Call [1..100000] Leg [1..8] Dropped", Kind: Integer, Unit: "packets", Role: Both, Help: "Packets refused."},
		{Path: "Calls Call [1..100000] MediaPath", Kind: Enumeration, Role: Both, Help: "Relay if media passes this node, Direct if it goes straight between the ends."},
		{Path: "Calls Call [1..100000] MediaPathReason", Kind: String, Role: Both, Help: "Why media is relayed that might go straight."},
		{Path: "Calls Call [1..100000] OneWay", Kind: String, Role: Both, Help: "Why audio passes one way only, as far as can be told."},
		{Path: "Registrations Registration [1..100000] Alias", Kind: String, Role: Both, Help: "Registered address of record."},
		{Path: "Registrations Registration [1..100000] SerialNumber", Kind: String, Role: Both, Help: "Serial number of the registration."},
		{Path: "Registrations Registration [1..100000] Address", Kind: String, Role: Both, Help: "Address that the client came from."},
		{Path: "Registrations Registration [1..100000] Transport", Kind: Enumeration, Role: Both, Help: "Transport of the client."},
		{Path: "Registrations Registration [1..100000] Device", Kind: String, Role: Both, Help: "Device that registered."},
		{Path: "Registrations Registration [1..100000] Contact", Kind: String, Role: Both, Help: "Contact that the client gave."},
		{Path: "Registrations Registration [1..100000] Confirmed", Kind: Enumeration, Role: Both, Help: "Whether call control confirmed it with credentials."},
		{Path: "Registrations Registration [1..100000] Expires", Kind: Integer, Unit: "s", Role: Both, Help: "Time until it ends without a refresh."},
		{Path: "SIP Listener [1..100] Transport", Kind: Enumeration, Role: Both, Help: "Transport of the listener."},
		{Path: "SIP Listener [1..100] Address", Kind: String, Role: Both, Help: "Address of the listener."},
		{Path: "SIP Listener [1..100] Port", Kind: Integer, Role: Both, Help: "Port of the listener."},
		{Path: "SIP Listener [1..100] Status", Kind: Enumeration, Role: Both, Help: "Active or Failed."},
		{Path: "SIP Listener [1..100] Cause", Kind: String, Role: Both, Help: "Why it failed."},
		{Path: "SIP Connections", Kind: Integer, Role: Both, Help: "Open client connections."},
		{Path: "SIP Transactions", Kind: Integer, Role: Both, Help: "Transactions in progress."},
		{Path: "NetworkInterface LAN [1..2] Address", Kind: String, Role: Both, Help: "Address of the interface."},
		{Path: "NetworkInterface LAN [1..2] Side", Kind: Enumeration, Role: Both, Help: "Outside or Inside."},
		{Path: "ResourceUsage Calls Current", Kind: Integer, Role: Both, Help: "Calls now."},
		{Path: "ResourceUsage Calls Max", Kind: Integer, Role: Both, Help: "Most calls at once since the start."},
		{Path: "ResourceUsage Calls Total", Kind: Integer, Role: Both, Help: "Calls since the start."},
		{Path: "ResourceUsage Registrations Current", Kind: Integer, Role: Both, Help: "Registrations now."},
		{Path: "ResourceUsage Registrations Max", Kind: Integer, Role: Both, Help: "Most registrations at once since the start."},
		{Path: "ResourceUsage Registrations Total", Kind: Integer, Role: Both, Help: "Registrations since the start."},
		{Path: "ResourceUsage Memory", Kind: Integer, Unit: "bytes", Role: Both, Help: "Memory in use."},
		{Path: "Tunnels Tunnel [1..600] Peer", Kind: String, Role: Both, Help: "Node at the other end."},
		{Path: "Tunnels Tunnel [1..600] Address", Kind: String, Role: Both, Help: "Address of the other end."},
		{Path: "Tunnels Tunnel [1..600] Kind", Kind: Enumeration, Role: Both, Help: "What the tunnel carries."},
		{Path: "Tunnels Tunnel [1..600] Status", Kind: Enumeration, Role: Both, Help: "Whether it is up."},
		{Path: "Tunnels Tunnel [1..600] Streams", Kind: Integer, Role: Both, Help: "Open streams."},
		{Path: "Feedback Expression [1..100]", Kind: String, Role: Both, Help: "Expression registered in this session."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Url", Kind: String, Role: Core, Help: "What the rule permits."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Deployment", Kind: String, Role: Core, Help: "Deployment of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] MatchType", Kind: Enumeration, Role: Core, Help: "How the path is compared."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] HttpMethods", Kind: String, Role: Core, Help: "Methods the rule permits."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Type", Kind: String, Role: Core, Help: "Where the rule stems from."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Description", Kind: String, Role: Core, Help: "Note on the rule."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Authorization", Kind: Enumeration, Role: Core, Help: "Whether the server gets the client's Authorization header."},
		{Path: "CollaborationEdge HTTPAllowList Rule [1..20000] Hits", Kind: Integer, Unit: "requests", Role: Core, Help: "Requests that the rule let through."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] Type", Kind: String, Role: Core, Help: "Nodes that the automatic rule is for."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] Protocol", Kind: Enumeration, Role: Core, Help: "Protocol of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] Ports", Kind: String, Role: Core, Help: "Ports of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] MatchType", Kind: Enumeration, Role: Core, Help: "How the path is compared."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] Path", Kind: String, Role: Core, Help: "Path of the rule."},
		{Path: "CollaborationEdge HTTPAllowList Automatic [1..100] HttpMethods", Kind: String, Role: Core, Help: "Methods the rule permits."},
		{Path: "CollaborationEdge Deployment [1..65535] Name", Kind: String, Role: Core, Help: "Name of the deployment with that number."},
		{Path: "CollaborationEdge Deployment [1..65535] Domains", Kind: String, Role: Core, Help: "Domains that the deployment encloses."},
		{Path: "CollaborationEdge Deployment [1..65535] Nodes", Kind: Integer, Role: Core, Help: "Nodes that the deployment encloses."},
		{Path: "CollaborationEdge DeploymentAdvice", Kind: String, Role: Core, Help: "What to know about the deployments as a whole."},
		{Path: "CollaborationEdge Node [1..10000] Address", Kind: String, Role: Core, Help: "Name or address of a UC node."},
		{Path: "CollaborationEdge Node [1..10000] Type", Kind: String, Role: Core, Help: "What runs on the node."},
		{Path: "CollaborationEdge Node [1..10000] Publisher", Kind: String, Role: Core, Help: "Publisher of the node's cluster."},
		{Path: "CollaborationEdge Node [1..10000] Deployment", Kind: String, Role: Core, Help: "Deployment of the node."},
		{Path: "CollaborationEdge Node [1..10000] Zone", Kind: String, Role: Core, Help: "Zone that SIP for the node takes."},
	}
}
