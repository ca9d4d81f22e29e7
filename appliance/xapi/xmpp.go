package xapi

// Chat of remote clients.
var (
	SIPDomainEdgexmpp = Bool{&Item{
		Path: "SIP Domain [1..200] Edgexmpp", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: Reconnects, Guide: "Domains", New: true,
		Help: "Carries chat of remote clients of the domain.",
	}}
	XMPPPort = Int{&Item{
		Path: "XMPP Port", Kind: Integer, Min: 1024, Max: 65534, Default: "5222",
		Role: Edge, Effect: Reconnects, Guide: "Mobile and remote access", New: true,
		Help: "TCP port on which edge takes chat from remote clients, once a domain has it.",
	}}
	XMPPNodeAddress = Str{&Item{
		Path: "XMPP Node [1..400] Address", Kind: Host, Max: 255,
		Role: Core, Effect: Reconnects, Guide: "IM and Presence nodes", New: true,
		Help: "Presence node inside, by name or address.",
	}}
	XMPPNodePort = Int{&Item{
		Path: "XMPP Node [1..400] Port", Kind: Integer, Min: 1, Max: 65535, Default: "5222",
		Role: Core, Effect: Reconnects, Guide: "IM and Presence nodes", New: true,
		Help: "Port on which the node takes clients.",
	}}
	XMPPNodeTransport = Enum{&Item{
		Path: "XMPP Node [1..400] Transport", Kind: Enumeration, Values: []string{"TLS", "TCP"}, Default: "TLS",
		Role: Core, Effect: Reconnects, Guide: "IM and Presence nodes", New: true,
		Help: "Whether core begins TLS with the node by STARTTLS, or speaks in the clear.",
	}}
	XMPPNodeVerify = Bool{&Item{
		Path: "XMPP Node [1..400] TLS Verify Mode", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Core, Effect: Reconnects, Guide: "IM and Presence nodes", New: true,
		Help: "Wants the node's certificate to be trusted and to bear the node's name or the chat domain.",
	}}
	XMPPNodeDomains = Str{&Item{
		Path: "XMPP Node [1..400] Domains", Kind: String, Max: 1024,
		Role: Core, Effect: Reconnects, Guide: "IM and Presence nodes", New: true,
		Help: "Chat domains that the node serves, with commas between; of several nodes of a domain the first that answers is taken.",
	}}
	QoSXMPP = Int{&Item{
		Path: "QoS XMPP", Kind: Integer, Min: 0, Max: 63, Default: "24",
		Role: Both, Effect: NewOnly, Guide: "Quality of service",
		Help: "DSCP of chat packets.",
	}}
)

func xmppItems() []*Item {
	return []*Item{
		SIPDomainEdgexmpp.Item, XMPPPort.Item, XMPPNodeAddress.Item, XMPPNodePort.Item, XMPPNodeTransport.Item,
		XMPPNodeVerify.Item, XMPPNodeDomains.Item, QoSXMPP.Item,
	}
}

// AlarmChatNode is raised for each node that the last try did not reach.
var AlarmChatNode = &Alarm{
	ID: 73001, Title: "Presence node unavailable", Severity: "Warning", Role: Core,
	Cause:  "A presence node could not be reached when a chat client came, so another one of its domain was asked, or none was left.",
	Remedy: "Check that the node runs, that this node reaches it on its port, and its certificate; the detail says what the last try met.",
}

func xmppStatuses() []*Status {
	return []*Status{
		{Path: "XMPP Streams Current", Kind: Integer, Role: Both, Help: "Chat streams now."},
		{Path: "XMPP Streams Max", Kind: Integer, Role: Both, Help: "Most chat streams at once since the start."},
		{Path: "XMPP Streams Total", Kind: Integer, Role: Both, Help: "Chat streams since the start."},
		{Path: "XMPP Streams Guests", Kind: Integer, Role: Edge, Help: "Chat streams whose client has not logged in yet."},
		{Path: "XMPP Streams Logins", Kind: Integer, Role: Both, Help: "Chat logins since the start."},
		{Path: "XMPP Streams Refused", Kind: Integer, Role: Both, Help: "Chat streams that were refused or cut off since the start."},
		{Path: "XMPP Traffic Stanzas", Kind: Integer, Role: Both, Help: "Stanzas of clients since the start."},
		{Path: "XMPP Traffic BytesIn", Kind: Integer, Unit: "bytes", Role: Both, Help: "Bytes of clients since the start."},
		{Path: "XMPP Traffic BytesOut", Kind: Integer, Unit: "bytes", Role: Both, Help: "Bytes to clients since the start."},
		{Path: "XMPP Domain [1..200] Name", Kind: String, Role: Both, Help: "Chat domain."},
		{Path: "XMPP Domain [1..200] Streams", Kind: Integer, Role: Both, Help: "Its streams now."},
		{Path: "XMPP Node [1..400] Address", Kind: String, Role: Core, Help: "Presence node."},
		{Path: "XMPP Node [1..400] Port", Kind: Integer, Role: Core, Help: "Its port."},
		{Path: "XMPP Node [1..400] Status", Kind: Enumeration, Role: Core, Help: "Active unless the last try to reach it failed."},
		{Path: "XMPP Node [1..400] LastStatusChange", Kind: Time, Role: Core, Help: "When that changed, or the last try failed."},
		{Path: "XMPP Node [1..400] Cause", Kind: String, Role: Core, Help: "Why the last try failed."},
		{Path: "XMPP Node [1..400] Streams", Kind: Integer, Role: Core, Help: "Streams on it now."},
	}
}
