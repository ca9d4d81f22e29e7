package main

import (
	"fmt"
	"net/netip"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board/nic"
)

// firewallPlan reads the rules that are asked. One that makes no sense is told
// and left out: a rule that was meant to allow must not cut everybody off.
func firewallPlan(snap *config.Snapshot) (rules []nic.Rule, errs []error) {
	for _, i := range snap.Indexes(xapi.FirewallRuleState.Item) {
		if snap.Enum(xapi.FirewallRuleState, i) != "Enabled" {
			continue
		}
		r, err := firewallRule(snap, i)
		if err != nil {
			errs = append(errs, fmt.Errorf("Firewall Rule %d: %w", i, err))
			continue
		}
		rules = append(rules, r)
	}
	return rules, errs
}

func firewallRule(snap *config.Snapshot, i int) (nic.Rule, error) {
	r := nic.Rule{
		Priority: snap.Int(xapi.FirewallRulePriority, i),
		LAN:      map[string]int{"LAN1": 1, "LAN2": 2}[snap.Enum(xapi.FirewallRuleInterface, i)],
		Protocol: strings.ToLower(strings.TrimPrefix(snap.Enum(xapi.FirewallRuleTransport, i), "Any")),
		First:    snap.Int(xapi.FirewallRuleStartPort, i), Last: snap.Int(xapi.FirewallRuleEndPort, i),
		Action: map[string]nic.Action{"Drop": nic.Drop, "Reject": nic.Reject}[snap.Enum(xapi.FirewallRuleAction, i)],
	}
	if r.Protocol == "" && r.First != 0 {
		return r, fmt.Errorf("a port needs a transport that has ports")
	}
	if r.Last != 0 && r.Last < r.First {
		return r, fmt.Errorf("the ports end before they start")
	}
	if a := addr(snap.Str(xapi.FirewallRuleAddress, i)); a.IsValid() {
		r.From = netip.PrefixFrom(a, snap.Int(xapi.FirewallRulePrefixLength, i))
		if !r.From.IsValid() {
			return r, fmt.Errorf("the prefix is longer than the address")
		}
	}
	return r, nil
}
