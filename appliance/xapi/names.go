package xapi

// NamesInterval is how often a node looks after the names that it needs.
var NamesInterval = Int{&Item{
	Path: "IP DNS Check Interval", Kind: Integer, Min: 0, Max: 1440, Default: "30",
	Role: Both, Guide: "Multidomain", New: true,
	Help: "Minutes between looks whether DNS has the names that this node needs as it needs them; 0 never asks.",
}}

// NamesOnPremises is whether clients on premises are to find Unified CM.
var NamesOnPremises = Bool{&Item{
	Path: "IP DNS Check OnPremises", Kind: Enumeration, Values: onOff, Default: "On",
	Role: Core, Guide: "Multidomain", New: true,
	Help: "Whether domains of discovered clusters shall have _cisco-uds._tcp inside, which clients on premises need and remote ones do not.",
}}

func namesItems() []*Item { return []*Item{NamesInterval.Item, NamesOnPremises.Item} }

// Alarms about names.
var (
	AlarmReverseDNS = &Alarm{
		ID: 25030, Title: "Reverse DNS Lookup failed", Severity: "Error", Role: Core,
		Cause:  "The address of this node, of an edge or of a UC node does not lead back to its name.",
		Remedy: "Create the PTR record that the detail names.",
	}
	AlarmNoAddress = &Alarm{
		ID: 74033, Title: "Name without an address", Severity: "Warning", Role: Both,
		Cause:  "DNS has no address of a name that this node needs.",
		Remedy: "Create an A or AAAA record for the name in the detail, or correct the name.",
	}
	AlarmServiceRecord = &Alarm{
		ID: 74034, Title: "Service record missing or wrong", Severity: "Warning", Role: Both,
		Cause:  "Clients look for SRV records that are not there, or that lead elsewhere: outside those of an edge domain, inside _cisco-uds._tcp.",
		Remedy: "Do what the detail says; xCommand DNSCheck prints the records to create.",
	}
	AlarmServiceOutside = &Alarm{
		ID: 74035, Title: "Service record leads out of edge's domain", Severity: "Warning", Role: Edge,
		Cause:  "An SRV record of an edge domain leads to a host in a domain where edge's login cookie is not good, so sign-in fails there.",
		Remedy: "Name the edge in its own domain or by an alias in the edge domain, and correct the record.",
	}
	AlarmNameMismatch = &Alarm{
		ID: 74036, Title: "Name of edge does not match DNS", Severity: "Warning", Role: Edge,
		Cause:  "The SRV records of an edge domain lead to no name that this edge or its certificates bear.",
		Remedy: "Correct the records' target, or IP DNS Hostname, IP DNS Domain Name and the certificate.",
	}
	AlarmUnderscore = &Alarm{
		ID: 74037, Title: "Underscore in a host name", Severity: "Warning", Role: Both,
		Cause:  "A host name has an underscore, which certificates and tunnels do not bear.",
		Remedy: "Give the machine in the detail a name of letters, digits and hyphens.",
	}
	AlarmShortNames = &Alarm{
		ID: 74038, Title: "UC nodes listed by short name", Severity: "Warning", Role: Core,
		Cause:  "Unified CM lists nodes by short name, while internal and edge domain differ, so clients look for them in the wrong one.",
		Remedy: "Give the full names in System > Server of Unified CM, then xCommand RefreshServers.",
	}
	AlarmInsideSeen = &Alarm{
		ID: 74043, Title: "Inside service record seen outside", Severity: "Warning", Role: Edge,
		Cause:  "Edge's name servers tell _cisco-uds._tcp of an edge domain; clients outside that see it believe that they are on premises.",
		Remedy: "Serve the record inside only, or name the public server of the domain by xConfiguration DNS PerDomainServer.",
	}
	AlarmNameServer = &Alarm{
		ID: 74039, Title: "Name server does not answer", Severity: "Warning", Role: Both,
		Cause:  "A configured name server did not answer, so what it would tell is not known.",
		Remedy: "Check the server in the detail, the way to it, and IP DNS Server Address.",
	}
)

func namesAlarms() []*Alarm {
	return []*Alarm{AlarmReverseDNS, AlarmNoAddress, AlarmServiceRecord, AlarmServiceOutside, AlarmNameMismatch, AlarmUnderscore, AlarmShortNames, AlarmNameServer, AlarmInsideSeen}
}

func namesStatuses() []*Status {
	return []*Status{
		{Path: "DNSCheck Last", Kind: Time, Role: Both, Help: "When the names that this node needs were last looked after."},
		{Path: "DNSCheck Servers", Kind: Integer, Role: Both, Help: "Name servers that were asked; with none only the names themselves are judged."},
		{Path: "DNSCheck Findings", Kind: Integer, Role: Both, Help: "What was wrong with them."},
		{Path: "DNSCheck Unknown", Kind: Integer, Role: Both, Help: "Names that no server answered for."},
	}
}
