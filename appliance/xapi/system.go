package xapi

// Logging.
var (
	LogLevel = Int{&Item{
		Path: "Log Level", Kind: Integer, Min: 1, Max: 4, Default: "1",
		Role: Both, Guide: "Logging",
		Help: "How much the event log holds, from 1 (what an operator needs) to 4 (everything).",
	}}
)

func logItems() []*Item { return []*Item{LogLevel.Item} }

// Shell sessions.
var (
	ManagementInactivityTimeout = Int{&Item{
		Path: "Management Session InactivityTimeout", Kind: Integer, Max: 65535, Default: "30",
		Role: Both, Guide: "Administration",
		Help: "Minutes after which an idle session is closed; 0 never closes it.",
	}}
)

func managementItems() []*Item { return []*Item{ManagementInactivityTimeout.Item} }

// Receivers of the event log.
var (
	RemoteSyslogAddress = Str{&Item{
		Path: "Remote Syslog [1..4] Address", Kind: Host, Max: 128,
		Role: Both, Guide: "Logging",
		Help: "Address or name of a syslog receiver; empty sends nothing.",
	}}
	RemoteSyslogFormat = Enum{&Item{
		Path: "Remote Syslog [1..4] Format", Kind: Enumeration, Values: []string{"bsd", "ietf"}, Default: "bsd",
		Role: Both, Guide: "Logging",
		Help: "Message format in mode user_defined: bsd is RFC 3164, ietf is RFC 5424.",
	}}
	RemoteSyslogLevel = Enum{&Item{
		Path: "Remote Syslog [1..4] Loglevel", Kind: Enumeration, Default: "informational",
		Values: []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"},
		Role:   Both, Guide: "Logging",
		Help: "Least severity that is sent.",
	}}
	RemoteSyslogMode = Enum{&Item{
		Path: "Remote Syslog [1..4] Mode", Kind: Enumeration, Default: "bsd",
		Values: []string{"bsd", "ietf", "ietf_secure", "user_defined"},
		Role:   Both, Guide: "Logging",
		Help: "bsd is RFC 3164 over UDP, ietf RFC 5424 over TCP, ietf_secure RFC 5424 over TLS, user_defined what Format, Transport and Port say.",
	}}
	RemoteSyslogPort = Int{&Item{
		Path: "Remote Syslog [1..4] Port", Kind: Integer, Min: 1, Max: 65535, Default: "514",
		Role: Both, Guide: "Logging",
		Help: "Port of the receiver.",
	}}
	RemoteSyslogTransport = Enum{&Item{
		Path: "Remote Syslog [1..4] Transport", Kind: Enumeration, Values: []string{"udp", "tcp", "tls"}, Default: "udp",
		Role: Both, Guide: "Logging",
		Help: "Transport in mode user_defined.",
	}}
)

func remoteItems() []*Item {
	return []*Item{
		RemoteSyslogAddress.Item, RemoteSyslogFormat.Item, RemoteSyslogLevel.Item,
		RemoteSyslogMode.Item, RemoteSyslogPort.Item, RemoteSyslogTransport.Item,
	}
}

// Capacity warnings.
var (
	ResourceWarningLevel = Int{&Item{
		Path: "ResourceUsage Warning Activation Level", Kind: Integer, Max: 100, Default: "90",
		Role: Both, Guide: "Capacity",
		Help: "Percentage of a capacity from which a warning is raised; 0 warns never.",
	}}
)

func resourceUsageItems() []*Item { return []*Item{ResourceWarningLevel.Item} }

// The node itself.
var (
	SystemUnitName = Str{&Item{
		Path: "SystemUnit Name", Kind: String, Max: 50,
		Role: Both, Guide: "Administration",
		Help: "Name of this node in banner, status and logs.",
	}}
)

func systemUnitItems() []*Item { return []*Item{SystemUnitName.Item} }
