package main

import (
	"fmt"
	"net/netip"
	"slices"
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
			errs = append(errs, fmt.Errorf("xConfiguration Firewall Rule %d: %w", i, err))
			continue
		}
		rules = append(rules, ruled(r).doors(snap, snap.Enum(xapi.FirewallRuleService, i))...)
	}
	return rules, errs
}

func firewallRule(snap *config.Snapshot, i int) (nic.Rule, error) {
	r := nic.Rule{
		Index: i, Priority: snap.Int(xapi.FirewallRulePriority, i),
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

// What follows all rules of the administrator.
const (
	managementAllow = 65535
	managementDrop  = 65536
)

// oneArmed reports whether an edge has one interface only, which faces the
// outside.
func oneArmed(snap *config.Snapshot, role string) bool {
	outside := snap.Outside(xapi.Edge)
	return role == xapi.Edge.String() && len(outside) > 0 && slices.Equal(outside, snap.Inside(xapi.Edge))
}

// managementSources are the networks that may administer a one-armed edge.
func managementSources(snap *config.Snapshot) (list []netip.Prefix, err error) {
	for _, i := range snap.Indexes(xapi.FirewallManagementAddress.Item) {
		a := addr(snap.Str(xapi.FirewallManagementAddress, i))
		if !a.IsValid() {
			continue
		}
		p := netip.PrefixFrom(a, snap.Int(xapi.FirewallManagementPrefixLength, i))
		if !p.IsValid() {
			err = fmt.Errorf("xConfiguration Firewall Management %d: the prefix is longer than the address", i)
			continue
		}
		list = append(list, p)
	}
	return list, err
}

// managementRules keep all but the named networks off the shell and the link of
// a one-armed edge. They come after the administrator's own rules.
func managementRules(snap *config.Snapshot, role string) (rules []nic.Rule, err error) {
	sources, err := managementSources(snap)
	if !oneArmed(snap, role) || len(sources) == 0 {
		return nil, err
	}
	for _, door := range managementDoors(snap) {
		for _, from := range sources {
			rules = append(rules, nic.Rule{Priority: managementAllow, From: from, Protocol: door.Protocol, First: door.First, Last: door.Last})
		}
		door.Priority, door.Action = managementDrop, nic.Drop
		rules = append(rules, door)
	}
	return rules, err
}

// managementDoors are the ports of the shell and of the link.
func managementDoors(snap *config.Snapshot) []nic.Rule {
	return append(tcpDoors(snap.Int(xapi.AdministrationSSHPort)), linkDoors(snap)...)
}

// linkDoors are the ports that core opens on edge.
func linkDoors(snap *config.Snapshot) []nic.Rule {
	tcp := []int{snap.Int(xapi.TraversalSSHPort)}
	for _, i := range snap.Indexes(xapi.ZoneName.Item) {
		if snap.Enum(xapi.ZoneType, i) == "TraversalServer" {
			tcp = append(tcp, snap.Int(xapi.TraversalServerSIPPort, i))
		}
	}
	doors := tcpDoors(tcp...)
	for _, row := range []xapi.Int{xapi.MediaDemuxRTPPort, xapi.MediaDemuxRTCPPort} {
		p := snap.Int(row)
		doors = append(doors, nic.Rule{Protocol: "udp", First: p, Last: p})
	}
	return doors
}

// marksPlan says how packets are marked that do not leave their plane marked, as
// media and chat do. SIP of the link goes by its zones' ports, all else by ours;
// last comes what has no mark by then.
func marksPlan(snap *config.Snapshot) []nic.Mark {
	sip := snap.Int(xapi.QoSSignaling)
	marks := []nic.Mark{
		{Protocol: "tcp", First: snap.Int(xapi.SIPTLSPort), DSCP: sip},
		{Protocol: "tcp", First: snap.Int(xapi.SIPTCPPort), DSCP: sip},
		{Protocol: "udp", First: snap.Int(xapi.SIPUDPPort), DSCP: sip},
	}
	for _, i := range snap.Indexes(xapi.ZoneName.Item) {
		row := map[string]xapi.Int{"TraversalServer": xapi.TraversalServerSIPPort, "TraversalClient": xapi.TraversalClientSIPPort, "Neighbor": xapi.NeighborSIPPort}
		if port, ok := row[snap.Enum(xapi.ZoneType, i)]; ok {
			marks = append(marks, nic.Mark{Protocol: "tcp", First: snap.Int(port, i), DSCP: sip})
		}
	}
	if snap.Enum(xapi.IPQoSMode) == "DiffServ" {
		marks = append(marks, nic.Mark{DSCP: snap.Int(xapi.IPQoSValue)})
	}
	var out []nic.Mark
	for _, m := range marks {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}
