package xapi

// Routing: transforms, DNS and ENUM zones, and what a search costs only once.
var (
	TransformDescription = Str{&Item{
		Path: "Transform [1..100] Description", Kind: String, Max: 64,
		Role: Both, Guide: "Search rules",
		Help: "A note for other administrators, printed where the transform is shown.",
	}}
	TransformState = Bool{&Item{
		Path: "Transform [1..100] State", Kind: Enumeration, Values: enabledDisabled, Default: "Enabled",
		Role: Both, Guide: "Search rules",
		Help: "Puts the transform to use.",
	}}
	TransformPriority = Int{&Item{
		Path: "Transform [1..100] Priority", Kind: Integer, Min: 1, Max: 65534, Default: "1",
		Role: Both, Guide: "Search rules",
		Help: "Order of the transforms, the lowest number first; only the first that matches is used.",
	}}
	TransformPatternType = Enum{&Item{
		Path: "Transform [1..100] Pattern Type", Kind: Enumeration, Values: patternTypes, Default: "Prefix",
		Role: Both, Guide: "Search rules",
		Help: "How the pattern is compared with the alias.",
	}}
	TransformPattern = Str{&Item{
		Path: "Transform [1..100] Pattern String", Kind: String, Max: 60,
		Role: Both, Guide: "Search rules",
		Help: "Pattern that the alias is compared with, before any search rule sees it.",
	}}
	TransformBehavior = Enum{&Item{
		Path: "Transform [1..100] Pattern Behavior", Kind: Enumeration,
		Values: []string{"Strip", "Replace", "AddPrefix", "AddSuffix"}, Default: "Strip",
		Role: Both, Guide: "Search rules",
		Help:    "What happens to the part of the alias that matched.",
		Differs: "the two that add can be set here too, not only by TransformAdd",
	}}
	TransformReplace = Str{&Item{
		Path: "Transform [1..100] Pattern Replace", Kind: String, Max: 60,
		Role: Both, Guide: "Search rules",
		Help: "What the matched part becomes, or what is added.",
	}}
)

// A DNS zone is whoever the name service says is responsible for a domain.
var (
	DNSZoneIncludeAddress = Bool{&Item{
		Path: "Zones Zone [1..1000] DNS IncludeAddressRecord", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Guide: "Zones",
		Help: "Takes the addresses of a domain itself where it has neither NAPTR nor SRV records.",
	}}
	DNSZoneTransport = Enum{&Item{
		Path: "Zones Zone [1..1000] DNS SIP Default Transport", Kind: Enumeration, Values: []string{"UDP", "TCP", "TLS"}, Default: "TLS",
		Role: Both, Effect: NewOnly, Guide: "Zones",
		Help:    "Transport where the name service does not say one.",
		Differs: "calls to strangers are encrypted unless their records say otherwise",
	}}
	DNSZoneTLSVerify = Bool{&Item{
		Path: "Zones Zone [1..1000] DNS SIP TLS Verify Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Both, Effect: NewOnly, Guide: "Zones",
		Help: "Requires the far end's certificate to be trusted and to bear the name that was called.",
	}}
	DNSZoneSubjectName = Str{&Item{
		Path: "Zones Zone [1..1000] DNS SIP TLS Verify Subject Name", Kind: DNSName, Max: 128,
		Role: Both, Effect: NewOnly, Guide: "Zones",
		Help: "Name that the far end's certificate must bear; empty takes the domain that was called.",
	}}
	DNSZoneMediaEncryption = Enum{&Item{
		Path: "Zones Zone [1..1000] DNS SIP Media Encryption Mode", Kind: Enumeration, Values: mediaEncryption, Default: "Auto",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help: "Whether media to the zone is encrypted: never, always, if it can be, or as the far end offers.",
	}}
	ENUMSuffix = Str{&Item{
		Path: "Zones Zone [1..1000] ENUM DNSSuffix", Kind: DNSName, Max: 128,
		Role: Both, Guide: "Zones",
		Help: "Domain below which numbers are looked up; empty takes e164.arpa.",
	}}
	NeighborMaxPeers = Int{&Item{
		Path: "Zones Zone [1..1000] Neighbor SRV MaxPeers", Kind: Integer, Min: 1, Max: 30, Default: "15",
		Role: Core, Guide: "Zones",
		Help: "Most addresses that are tried where a peer's name has SRV records.",
	}}
	NeighborPreloaded = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP PreloadedSipRoutes Accept", Kind: Enumeration, Values: []string{"On", "Off"}, Default: "Off",
		Role: Core, Guide: "Zones",
		Help:    "Follows the route that requests from the neighbor bring, to peers of neighbor zones only and without asking the search rules.",
		Differs: "the replaced product prints no default; such requests are refused unless allowed",
	}}
	RuleAuthentication = Bool{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Authentication", Kind: Enumeration, Values: yesNo, Default: "No",
		Role: Both, Guide: "Search rules",
		Help: "Keeps the rule to requests of registered users, and of zones whose authentication is trusted.",
	}}
	SIPDomainPartners = Bool{&Item{
		Path: "SIP Domain [1..200] Partners", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Edge, Guide: "Business-to-business calls", New: true,
		Help: "Takes calls to users of the domain from outside by who has not registered.",
	}}
	RegistrationMode = Bool{&Item{
		Path: "SIP Registration Mode", Kind: Enumeration, Values: []string{"Off", "On"}, Default: "On",
		Role: Core, Guide: "SIP registration",
		Help: "Lets endpoints inside register at this node itself, for domains that are not served to remote clients.",
	}}
	RegistrationMinimum = Int{&Item{
		Path: "SIP Registration Standard Refresh Minimum", Kind: Integer, Min: 30, Max: 3600, Default: "45",
		Role: Core, Effect: NewOnly, Guide: "SIP registration",
		Help: "Shortest time in seconds that an endpoint may ask to be registered for at this node itself.",
	}}
	RegistrationMaximum = Int{&Item{
		Path: "SIP Registration Standard Refresh Maximum", Kind: Integer, Min: 30, Max: 7200, Default: "60",
		Role: Core, Effect: NewOnly, Guide: "SIP registration",
		Help: "Longest time in seconds that an endpoint is registered for at this node itself without a refresh.",
	}}
	PreRoutedMethods = Str{&Item{
		Path: "SIP PreRoutedRouteHeader", Kind: String, Max: 128,
		Role: Both, Effect: Live, Guide: "Fast path registration",
		Help:    "Methods, joined by colons, whose routing result is kept and carried in a pre-routed route; REGISTER is the one there is.",
		Differs: "it is in force at once; the replaced product must be restarted",
	}}
)

func routingItems() []*Item {
	return []*Item{
		TransformDescription.Item, TransformState.Item, TransformPriority.Item, TransformPatternType.Item,
		TransformPattern.Item, TransformBehavior.Item, TransformReplace.Item,
		DNSZoneIncludeAddress.Item, DNSZoneTransport.Item, DNSZoneTLSVerify.Item, DNSZoneSubjectName.Item,
		DNSZoneMediaEncryption.Item, ENUMSuffix.Item, NeighborMaxPeers.Item, NeighborPreloaded.Item,
		RuleAuthentication.Item, PreRoutedMethods.Item, SIPDomainPartners.Item,
		RegistrationMode.Item, RegistrationMinimum.Item, RegistrationMaximum.Item,
	}
}

// Commands of transforms.
var (
	TransformAdd = &Command{
		Name: "TransformAdd", Spaced: "Transform Add", Role: Both, Guide: "Search rules",
		Params: []Param{
			{Name: "Pattern", Kind: String, Min: 1, Max: 60, Required: true, Help: "Pattern that the alias is compared with."},
			{Name: "Type", Kind: Enumeration, Values: patternTypes, Help: "How the pattern is compared; Prefix if not given."},
			{Name: "Behavior", Kind: Enumeration, Values: []string{"Strip", "Replace", "AddPrefix", "AddSuffix"}, Help: "What happens to the part that matched; Strip if not given."},
			{Name: "Replace", Kind: String, Max: 60, Help: "What the matched part becomes, or what is added."},
			{Name: "Priority", Kind: Integer, Min: 1, Max: 65534, Help: "Order of the transforms, the lowest number first."},
			{Name: "Description", Kind: String, Max: 64, Help: "A note for other administrators."},
			{Name: "State", Kind: Enumeration, Values: enabledDisabled, Help: "Puts the transform to use; Enabled if not given."},
		},
		Help: "Adds a transform of aliases.",
	}
	TransformDelete = &Command{
		Name: "TransformDelete", Spaced: "Transform Delete", Role: Both, Guide: "Search rules",
		Params: []Param{{Name: "TransformId", Kind: Integer, Min: 1, Max: 100, Required: true, Help: "Number of the transform."}},
		Help:   "Removes a transform.",
	}
)

func routingCommands() []*Command { return []*Command{TransformAdd, TransformDelete} }

// Alarms of trunks and of phones with several lines.
var (
	AlarmPartlyRegistered = &Alarm{
		ID: 74020, Title: "Phone partly registered", Severity: "Warning", Role: Edge,
		Cause:  "One line of a phone has expired while another is registered, so calls to that line do not reach the phone.",
		Remedy: "Look at what call control said to the line's last REGISTER, and restart the phone if the line does not come back.",
	}
	AlarmPortConflict = &Alarm{
		ID: 35015, Title: "Unified CM port conflict", Severity: "Warning", Role: Core,
		Cause:  "A SIP trunk uses the port on which call control takes the registrations of phones, so one of the two would be refused.",
		Remedy: "Give the trunk another incoming port on call control, and set the zone's Neighbor SIP Port to it.",
	}
)

func routingAlarms() []*Alarm { return []*Alarm{AlarmPortConflict, AlarmPartlyRegistered} }

func routingStatuses() []*Status {
	return []*Status{
		{Path: "SIP FastPath Taken", Kind: Integer, Role: Core, Help: "Registrations that went along a pre-routed route."},
		{Path: "SIP FastPath Searched", Kind: Integer, Role: Core, Help: "Registrations whose pre-routed route was over, so that the way was searched anew."},
		{Path: "SIP FastPath Refused", Kind: Integer, Role: Core, Help: "Registrations with a forged pre-routed route, or that of another."},
	}
}
