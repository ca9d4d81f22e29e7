package xapi

// Search rules: which zones are asked for an alias, and in which order.
var (
	RuleName = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Name", Kind: String, Max: 50,
		Role: Both, Guide: "Search rules",
		Help: "Name of the rule, as logs and status give it.",
	}}
	RuleDescription = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Description", Kind: String, Max: 64,
		Role: Both, Guide: "Search rules",
		Help: "A note for other administrators, printed where the rule is shown.",
	}}
	RuleState = Bool{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] State", Kind: Enumeration, Values: enabledDisabled, Default: "Enabled",
		Role: Both, Guide: "Search rules",
		Help: "Puts the rule to use.",
	}}
	RulePriority = Int{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Priority", Kind: Integer, Min: 1, Max: 65534, Default: "100",
		Role: Both, Guide: "Search rules",
		Help: "Order of the rules, the lowest number first.",
	}}
	RuleProtocol = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Protocol", Kind: Enumeration,
		Values: []string{"Any", "SIP"}, Lacks: []string{"H323"}, Default: "Any",
		Role: Both, Guide: "Search rules",
		Help:    "Protocol of the requests that the rule is for.",
		Differs: "there is no H.323 here",
	}}
	RuleSourceMode = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Source Mode", Kind: Enumeration,
		Values: []string{"Any", "AllZones", "LocalZone", "Named"}, Default: "Any",
		Role: Both, Guide: "Search rules",
		Help: "Where a request must come from: anywhere, any zone, a registered client, or the named zone.",
	}}
	RuleSourceName = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Source Name", Kind: String, Max: 50,
		Role: Both, Guide: "Search rules",
		Help: "Zone that a request must come from in source mode Named.",
	}}
	RuleMode = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Mode", Kind: Enumeration,
		Values: []string{"AliasPatternMatch", "AnyAlias", "AnyIPAddress"}, Default: "AnyAlias",
		Role: Both, Guide: "Search rules",
		Help: "What the rule is for: aliases that match the pattern, any alias, or bare addresses.",
	}}
	RulePatternType = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Pattern Type", Kind: Enumeration, Values: patternTypes, Default: "Prefix",
		Role: Both, Guide: "Search rules",
		Help: "How the pattern is compared with the alias.",
	}}
	RulePattern = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Pattern String", Kind: String, Max: 60,
		Role: Both, Guide: "Search rules",
		Help: "Pattern that the alias is compared with.",
	}}
	RuleBehavior = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Pattern Behavior", Kind: Enumeration,
		Values: []string{"Strip", "Leave", "Replace"}, Default: "Strip",
		Role: Both, Guide: "Search rules",
		Help: "What happens to the part of the alias that matched, before the zone is asked.",
	}}
	RuleReplace = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Pattern Replace", Kind: String, Max: 60,
		Role: Both, Guide: "Search rules",
		Help: "What the matched part becomes where the behavior is Replace.",
	}}
	RuleProgress = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Progress", Kind: Enumeration, Values: []string{"Continue", "Stop"}, Default: "Continue",
		Role: Both, Guide: "Search rules",
		Help: "Whether rules of lower priority are tried when the rule's zone does not know the alias.",
	}}
	RuleTargetType = Enum{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Target Type", Kind: Enumeration,
		Values: []string{"Zone"}, Lacks: []string{"PolicyService"}, Default: "Zone",
		Role: Both, Guide: "Search rules",
		Help:    "What kind of target the rule names.",
		Differs: "there are no external policy services here, so a zone is the only target",
	}}
	RuleTargetName = Str{&Item{
		Path: "Zones Policy SearchRules Rule [1..2000] Target Name", Kind: String, Max: 50,
		Role: Both, Guide: "Search rules",
		Help: "Zone that is asked.",
	}}
)

func searchRuleItems() []*Item {
	return []*Item{
		RuleName.Item, RuleDescription.Item, RuleState.Item, RulePriority.Item, RuleProtocol.Item,
		RuleSourceMode.Item, RuleSourceName.Item, RuleMode.Item, RulePatternType.Item, RulePattern.Item,
		RuleBehavior.Item, RuleReplace.Item, RuleProgress.Item, RuleTargetType.Item, RuleTargetName.Item,
	}
}
