package xapi

// Who may reach the machine at all. Rules are asked by priority; what none fits
// is allowed, since nothing listens that the configuration does not want.
var (
	FirewallRuleState = Enum{&Item{
		Path: "Firewall Rule [1..200] State", Kind: Enumeration, Values: enabledDisabled, Default: "Enabled",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Whether the rule is asked.",
	}}
	FirewallRulePriority = Int{&Item{
		Path: "Firewall Rule [1..200] Priority", Kind: Integer, Min: 1, Max: 65534, Default: "100",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Order in which rules are asked, the least first; the first that fits decides.",
	}}
	FirewallRuleInterface = Enum{&Item{
		Path: "Firewall Rule [1..200] Interface", Kind: Enumeration, Values: []string{"Any", "LAN1", "LAN2"}, Default: "Any",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Interface by which the connection arrives.",
	}}
	FirewallRuleAddress = Str{&Item{
		Path: "Firewall Rule [1..200] Address", Kind: IP, Max: 39,
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Network that the connection comes from; empty is any.",
	}}
	FirewallRulePrefixLength = Int{&Item{
		Path: "Firewall Rule [1..200] PrefixLength", Kind: Integer, Max: 128, Default: "32",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Prefix length of that network.",
	}}
	FirewallRuleTransport = Enum{&Item{
		Path: "Firewall Rule [1..200] Transport", Kind: Enumeration, Values: []string{"Any", "TCP", "UDP"}, Default: "TCP",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Transport of the connection.",
	}}
	FirewallRuleStartPort = Int{&Item{
		Path: "Firewall Rule [1..200] Port Start", Kind: Integer, Max: 65535, Default: "0",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "First port that the connection goes to; 0 is any.",
	}}
	FirewallRuleEndPort = Int{&Item{
		Path: "Firewall Rule [1..200] Port End", Kind: Integer, Max: 65535, Default: "0",
		Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "Last port that the connection goes to; 0 is the first.",
	}}
	FirewallRuleAction = Enum{&Item{
		Path: "Firewall Rule [1..200] Action", Kind: Enumeration, Values: []string{"Allow", "Drop", "Reject"},
		Default: "Allow", Role: Both, Effect: CutsOff, Guide: "Firewall", New: true,
		Help: "What becomes of the connection; Reject tells the sender, Drop does not.",
	}}
	FirewallRuleDescription = Str{&Item{
		Path: "Firewall Rule [1..200] Description", Kind: String, Max: 128,
		Role: Both, Guide: "Firewall", New: true,
		Help: "What the rule is for.",
	}}
)

func firewallItems() []*Item {
	return []*Item{
		FirewallRuleState.Item, FirewallRulePriority.Item, FirewallRuleInterface.Item, FirewallRuleAddress.Item,
		FirewallRulePrefixLength.Item, FirewallRuleTransport.Item, FirewallRuleStartPort.Item,
		FirewallRuleEndPort.Item, FirewallRuleAction.Item, FirewallRuleDescription.Item,
	}
}
