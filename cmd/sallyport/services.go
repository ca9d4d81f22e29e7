package main

import (
	"slices"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board/nic"
)

// ruled is a rule of the administrator's, whose ports a service may name.
type ruled nic.Rule

// doors is the rule for each port of a service: "Custom" is the rule's own.
func (r ruled) doors(snap *config.Snapshot, service string) (rules []nic.Rule) {
	if service == "Custom" {
		return []nic.Rule{nic.Rule(r)}
	}
	for _, d := range serviceDoors(snap, service) {
		n := nic.Rule(r)
		n.Protocol, n.First, n.Last = d.Protocol, d.First, d.Last
		rules = append(rules, n)
	}
	return rules
}

// serviceDoors are the ports that serve something.
func serviceDoors(snap *config.Snapshot, service string) []nic.Rule {
	switch service {
	case "SSH":
		return tcpDoors(snap.Int(xapi.AdministrationSSHPort))
	case "SIP":
		udp := snap.Int(xapi.SIPUDPPort)
		return append(tcpDoors(snap.Int(xapi.SIPTCPPort), snap.Int(xapi.SIPTLSPort)), nic.Rule{Protocol: "udp", First: udp, Last: udp})
	case "HTTPS":
		return tcpDoors(snap.Int(xapi.CollaborationEdgeHTTPSPort))
	case "Chat":
		return tcpDoors(snap.Int(xapi.XMPPPort))
	case "Media":
		return []nic.Rule{{Protocol: "udp", First: snap.Int(xapi.MediaPortStart), Last: snap.Int(xapi.MediaPortEnd)}}
	case "Link":
		return linkDoors(snap)
	}
	return nil
}

// tcpDoors are TCP ports, each once.
func tcpDoors(ports ...int) (doors []nic.Rule) {
	slices.Sort(ports)
	for _, p := range slices.Compact(ports) {
		doors = append(doors, nic.Rule{Protocol: "tcp", First: p, Last: p})
	}
	return doors
}
