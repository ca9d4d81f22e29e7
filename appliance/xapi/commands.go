package xapi

// Commands of accounts and log receivers.
var (
	AdminAccountAdd = &Command{
		Name: "AdminAccountAdd", Spaced: "Admin Account Add", Role: Both, Guide: "Administrator accounts",
		Params: []Param{
			{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Login name."},
			{Name: "Password", Kind: PasswordHash, Min: 1, Max: 1024, Required: true, Help: "First password."},
			{Name: "Enabled", Kind: Enumeration, Values: onOff, Help: "Lets the account log in; On if not given."},
		},
		Lacks: []string{"AccessAPI", "AccessWeb"}, Why: "one account opens every face that is there",
		Help: "Makes a local administrator account.",
	}
	AdminAccountDelete = &Command{
		Name: "AdminAccountDelete", Spaced: "Admin Account Delete", Role: Both, Guide: "Administrator accounts",
		Params: []Param{{Name: "Name", Kind: String, Min: 1, Max: 128, Required: true, Help: "Login name."}},
		Help:   "Removes a local administrator account.",
	}
	RemoteSyslogAdd = &Command{
		Name: "RemoteSyslogAdd", Spaced: "Remote Syslog Add", Role: Both, Guide: "Logging",
		Params: []Param{
			{Name: "Address", Kind: Host, Min: 1, Max: 128, Required: true, Help: "Address or name of the receiver."},
			{Name: "Format", Kind: Enumeration, Values: []string{"bsd", "ietf"}, Help: "Message format in mode user_defined."},
			{Name: "Loglevel", Kind: Enumeration, Values: []string{"emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"}, Help: "Least severity that is sent."},
			{Name: "Mode", Kind: Enumeration, Values: []string{"bsd", "ietf", "ietf_secure", "user_defined"}, Help: "Format and transport at once."},
			{Name: "Port", Kind: Integer, Min: 1, Max: 65535, Help: "Port of the receiver."},
			{Name: "Transport", Kind: Enumeration, Values: []string{"udp", "tcp", "tls"}, Help: "Transport in mode user_defined."},
		},
		Lacks: []string{"Crlcheck"}, Why: "revocation lists are not checked yet",
		Help: "Adds a receiver of the event log.",
	}
	RemoteSyslogDelete = &Command{
		Name: "RemoteSyslogDelete", Spaced: "Remote Syslog Delete", Role: Both, Guide: "Logging",
		Params: []Param{
			{Name: "Address", Kind: Host, Min: 1, Max: 128, Required: true, Help: "Address or name of the receiver."},
			{Name: "Port", Kind: Integer, Min: 1, Max: 65535, Required: true, Help: "Port of the receiver."},
			{Name: "Transport", Kind: Enumeration, Values: []string{"udp", "tcp", "tls"}, Required: true, Help: "Transport to the receiver."},
		},
		Help: "Removes a receiver of the event log.",
	}
)

func accountCommands() []*Command {
	return []*Command{AdminAccountAdd, AdminAccountDelete, RemoteSyslogAdd, RemoteSyslogDelete}
}

// Commands of calls and registrations, and of finding out why.
var (
	CheckPattern = &Command{
		Name: "CheckPattern", Spaced: "Check Pattern", Role: Both, Guide: "Search rules",
		Params: []Param{
			{Name: "Target", Kind: String, Min: 1, Max: 60, Required: true, Help: "Alias to try the pattern on."},
			{Name: "Pattern", Kind: String, Min: 1, Max: 60, Required: true, Help: "Pattern to try."},
			{Name: "Type", Kind: Enumeration, Values: patternTypes, Required: true, Help: "How the pattern is compared."},
			{Name: "Behavior", Kind: Enumeration, Values: []string{"Strip", "Leave", "Replace", "AddPrefix", "AddSuffix"}, Required: true, Help: "What happens to the part that matched."},
			{Name: "Replace", Kind: String, Max: 60, Help: "What the matched part becomes."},
		},
		Help: "Tries a pattern on an alias before it is used in a rule.",
	}
	Locate = &Command{
		Name: "Locate", Spaced: "Locate", Role: Both, Guide: "Search rules",
		Params: []Param{
			{Name: "Alias", Kind: String, Min: 1, Max: 60, Required: true, Help: "Alias to look for."},
			{Name: "HopCount", Kind: Integer, Max: 255, Required: true, Help: "Most hops the search may take."},
			{Name: "Protocol", Kind: Enumeration, Values: []string{"SIP"}, Required: true, Help: "Protocol of the search."},
			{Name: "SourceZone", Kind: String, Min: 1, Max: 50, Help: "Zone the search pretends to come from."},
			{Name: "Authenticated", Kind: Enumeration, Values: yesNo, Help: "Pretends that the sender is authenticated; Yes if not given."},
		},
		Lacks: []string{"SourceAlias"}, Why: "no search rule asks for it here",
		Help: "Runs the search for an alias and tells each step, and why.",
	}
	DisconnectCall = &Command{
		Name: "DisconnectCall", Spaced: "Disconnect Call", Role: Both, Guide: "Calls",
		Params: []Param{
			{Name: "Call", Kind: Integer, Min: 1, Max: 100000, Help: "Number of the call in xStatus Calls."},
			{Name: "CallSerialNumber", Kind: String, Min: 1, Max: 255, Help: "Serial number of the call."},
		},
		OneOf: []string{"Call", "CallSerialNumber"},
		Help:  "Ends the media of a call, which makes its ends hang up.",
	}
	FindRegistration = &Command{
		Name: "FindRegistration", Spaced: "Find Registration", Role: Both, Guide: "SIP registration",
		Params: []Param{{Name: "Alias", Kind: String, Min: 1, Max: 128, Required: true, Help: "Registered alias."}},
		Help:   "Shows the registrations of an alias.",
	}
	RemoveRegistration = &Command{
		Name: "RemoveRegistration", Spaced: "Remove Registration", Role: Both, Guide: "SIP registration",
		Params: []Param{
			{Name: "Registration", Kind: Integer, Min: 1, Max: 100000, Help: "Number of the registration in xStatus Registrations."},
			{Name: "RegistrationSerialNumber", Kind: String, Min: 1, Max: 255, Help: "Serial number of the registration."},
		},
		OneOf: []string{"Registration", "RegistrationSerialNumber"},
		Help:  "Removes a registration and closes its connection.",
	}
)

func callCommands() []*Command {
	return []*Command{CheckPattern, Locate, DisconnectCall, FindRegistration, RemoveRegistration}
}

// Commands of certificates. Files lie in the administrator's sftp folder.
var (
	ServerCertificateInstall = &Command{
		Name: "ServerCertificateInstall", Spaced: "Server Certificate Install", Role: Both, Guide: "Certificates", New: true,
		Params: []Param{
			{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "PEM file with the certificate and its chain."},
			{Name: "Key", Kind: String, Min: 1, Max: 128, Help: "PEM file with the private key; without it the key of the last CSR is taken."},
		},
		Help: "Puts a server certificate to use without dropping a connection.",
	}
	CACertificateInstall = &Command{
		Name: "CACertificateInstall", Spaced: "CA Certificate Install", Role: Both, Guide: "Certificates", New: true,
		Params: []Param{{Name: "File", Kind: String, Min: 1, Max: 128, Required: true, Help: "PEM file in the sftp folder with authorities to trust."}},
		Help:   "Adds to the certificate authorities that are trusted; those that are there stay.",
	}
	CSRGenerate = &Command{
		Name: "CSRGenerate", Spaced: "CSR Generate", Role: Both, Guide: "Certificates", New: true,
		Params: []Param{
			{Name: "CommonName", Kind: DNSName, Min: 1, Max: 253, Required: true, Help: "Name of this node as its peers and clients know it."},
			{Name: "San", Kind: DNSName, Min: 1, Max: 253, Repeats: true, Help: "A further name that the certificate shall bear."},
			{Name: "File", Kind: String, Min: 1, Max: 128, Help: "File to write the request to; server.csr if not given."},
		},
		Help: "Makes a new private key and a certificate signing request for it.",
	}
)

func certificateCommands() []*Command {
	return []*Command{ServerCertificateInstall, CACertificateInstall, CACertificateDelete, CSRGenerate}
}

// Commands of the node itself.
var (
	AlarmAcknowledge = &Command{
		Name: "AlarmAcknowledge", Spaced: "Alarm Acknowledge", Role: Both, Guide: "Alarms", New: true,
		Params: []Param{{Name: "Id", Kind: Integer, Min: 1, Max: 99999, Required: true, Help: "Id of the alarm."}},
		Help:   "Marks an alarm as seen; it stays until its cause is gone.",
	}
	ClearAllStatus = &Command{
		Name: "ClearAllStatus", Spaced: "Clear All Status", Role: Both, Guide: "Diagnosis",
		Help: "Sets counters and histories to zero.",
	}
	DNSLookup = &Command{
		Name: "DNSLookup", Spaced: "DNS Lookup", Role: Both, Guide: "Diagnosis",
		Params: []Param{
			{Name: "Hostname", Kind: Host, Min: 1, Max: 253, Required: true, Help: "Name to look up."},
			{Name: "RecordType", Kind: Enumeration, Values: []string{"all", "a", "aaaa", "srv", "naptr"}, Help: "Record type; all if not given."},
		},
		Help: "Asks the configured name servers for a name.",
	}
	Restart = &Command{
		Name: "Restart", Spaced: "Restart", Role: Both, Guide: "Administration",
		Confirm: "This ends all calls and sessions on this node. Restart now?",
		Help:    "Restarts the application without rebooting the machine.",
	}
	Boot = &Command{
		Name: "Boot", Spaced: "Boot", Role: Both, Guide: "Administration",
		Confirm: "This ends all calls and sessions on this node. Reboot the machine now?",
		Help:    "Reboots the machine; a system that was installed by SystemUpgrade starts then.",
	}
	DefaultValuesSet = &Command{
		Name: "DefaultValuesSet", Spaced: "Default Values Set", Role: Both, Guide: "Administration",
		Params:  []Param{{Name: "Level", Kind: Integer, Min: 1, Max: 3, Required: true, Help: "What is reset: 1 the configuration, 2 also certificates, keys, files and logs, 3 also the role."}},
		Confirm: "This forgets what the level says and reboots; the network settings are among it. Go on?",
		Help:    "Resets this node to what it was when it was new.",
	}
	SystemUpgrade = &Command{
		Name: "SystemUpgrade", Spaced: "System Upgrade", Role: Both, Guide: "Administration", New: true, Input: true,
		Params: []Param{
			{Name: "File", Kind: String, Min: 1, Max: 128, Help: "Signed update in the sftp folder; without it and URL the update is read from the session's input."},
			{Name: "URL", Kind: String, Min: 9, Max: 1024, Help: "Where to fetch it over HTTPS, from a server that the list of trusted authorities vouches for."},
		},
		Help: "Installs a signed update beside the running system; Boot starts it.",
	}
)

func systemCommands() []*Command {
	return []*Command{AlarmAcknowledge, Boot, ClearAllStatus, DefaultValuesSet, DNSLookup, Restart, SystemUpgrade}
}

// Commands of domains, zones and search rules.
var (
	DomainAdd = &Command{
		Name: "DomainAdd", Spaced: "Domain Add", Role: Both, Guide: "Domains",
		Params: []Param{
			{Name: "Name", Kind: DNSName, Min: 1, Max: 128, Required: true, Help: "Name of the domain."},
			{Name: "Edgesip", Kind: Enumeration, Values: onOff, Help: "Serves remote clients of the domain; Off if not given."},
			{Name: "Edgexmpp", Kind: Enumeration, Values: onOff, Help: "Carries chat of remote clients of the domain; Off if not given."},
			{Name: "Sip", Kind: Enumeration, Values: onOff, Help: "Routes SIP for the domain; On if not given."},
			{Name: "DeploymentId", Kind: Integer, Min: 1, Max: 65535, New: true, Help: "Number of its deployment on core; the default deployment if not given."},
		},
		Lacks: []string{"Xmppfederation"}, Why: "chat with other companies goes through their own servers, not through here",
		Help: "Adds a domain that this node serves.",
	}
	DomainDelete = &Command{
		Name: "DomainDelete", Spaced: "Domain Delete", Role: Both, Guide: "Domains",
		Params: []Param{{Name: "DomainId", Kind: Integer, Min: 1, Max: 200, Required: true, Help: "Number of the domain."}},
		Help:   "Removes a domain.",
	}
	ZoneAdd = &Command{
		Name: "ZoneAdd", Spaced: "Zone Add", Role: Both, Guide: "Zones",
		Params: []Param{
			{Name: "ZoneName", Kind: String, Min: 1, Max: 50, Required: true, Help: "Name of the zone."},
			{Name: "Type", Kind: Enumeration, Values: []string{"Neighbor", "TraversalClient", "TraversalServer", "ENUM", "DNS"}, Required: true, Help: "What stands at the other end."},
		},
		Help: "Adds a zone.",
	}
	ZoneDelete = &Command{
		Name: "ZoneDelete", Spaced: "Zone Delete", Role: Both, Guide: "Zones",
		Params: []Param{{Name: "ZoneId", Kind: Integer, Min: 1, Max: 1000, Required: true, Help: "Number of the zone."}},
		Help:   "Removes a zone with everything below it.",
	}
	ZoneList = &Command{
		Name: "ZoneList", Spaced: "Zone List", Role: Both, Guide: "Search rules",
		Params: []Param{{Name: "Alias", Kind: String, Min: 1, Max: 60, Required: true, Help: "Alias to look for."}},
		Help:   "Lists the zones that would be asked for an alias, in order, with the alias each would get.",
	}
	SearchRuleAdd = &Command{
		Name: "SearchRuleAdd", Spaced: "Search Rule Add", Role: Both, Guide: "Search rules",
		Params: []Param{
			{Name: "Name", Kind: String, Min: 1, Max: 50, Required: true, Help: "Name of the rule."},
			{Name: "ZoneName", Kind: String, Max: 50, Help: "Zone that is asked."},
			{Name: "Description", Kind: String, Max: 64, Help: "A note for other administrators."},
		},
		Help: "Adds a search rule.",
	}
	SearchRuleDelete = &Command{
		Name: "SearchRuleDelete", Spaced: "Search Rule Delete", Role: Both, Guide: "Search rules",
		Params: []Param{{Name: "SearchRuleId", Kind: Integer, Min: 1, Max: 2000, Required: true, Help: "Number of the rule."}},
		Help:   "Removes a search rule.",
	}
)

func zoneCommands() []*Command {
	return []*Command{DomainAdd, DomainDelete, ZoneAdd, ZoneDelete, ZoneList, SearchRuleAdd, SearchRuleDelete}
}
