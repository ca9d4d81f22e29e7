package xapi

// FirewallRuleService spares a rule the numbers of this node's own ports.
var FirewallRuleService = Enum{&Item{
	Path: "Firewall Rule [1..200] Service", Kind: Enumeration, Default: "Custom",
	Values: []string{"Custom", "SSH", "SIP", "HTTPS", "Chat", "Media", "Link"},
	Role:   Both, Effect: CutsOff, Guide: "Firewall", New: true,
	Help: "What the connection is for: ports of this node's own, also when they change; Custom goes by Transport and Port, and Link is what core opens to edge.",
}}

func firewallServiceItems() []*Item { return []*Item{FirewallRuleService.Item} }
