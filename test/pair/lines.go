package pair

import (
	"fmt"
	"net/netip"
)

// edgeLines is all that an edge needs to be told.
func (p *Pair) edgeLines() []string {
	return append([]string{
		`xConfiguration SystemUnit Name: "edge"`,
		`xConfiguration IP DNS Hostname: "edge"`,
		`xConfiguration IP DNS Domain Name: "example.com"`,
		`xConfiguration Ethernet 1 IP ` + family(p.Outer) + ` Address: "` + p.Outer.String() + `"`,
		`xConfiguration Ethernet 2 IP V4 Address: "` + p.EdgeInner() + `"`,
		`xConfiguration IP External Interface: LAN1`,
		`xConfiguration SIP TCP Mode: On`,
		`xConfiguration SIP Domain 1 Name: "example.com"`,
		`xConfiguration SIP Domain 1 Edge: On`,
		`xConfiguration SIP Domain 1 Edgexmpp: On`,
		`xConfiguration Zones Zone 1 Name: "Core"`,
		`xConfiguration Zones Zone 1 Type: TraversalServer`,
		`xConfiguration Zones Zone 1 TraversalServer Collaboration Edge: On`,
		`xConfiguration Zones Zone 1 TraversalServer SIP TLS Verify Subject Name: "` + CoreName + `"`,
		`xConfiguration CollaborationEdge Enabled: On`,
	}, append(p.adminLines(), p.cfg.Edge...)...)
}

// coreLines is all that a core needs to be told.
func (p *Pair) coreLines() []string {
	return append([]string{
		`xConfiguration SystemUnit Name: "core"`,
		`xConfiguration IP DNS Hostname: "core"`,
		`xConfiguration IP DNS Domain Name: "example.com"`,
		`xConfiguration Ethernet 1 IP V4 Address: "` + p.CoreAddr() + `"`,
		`xConfiguration SIP TCP Mode: On`,
		`xConfiguration SIP UDP Mode: On`,
		`xConfiguration SIP Domain 1 Name: "example.com"`,
		`xConfiguration SIP Domain 1 Edge: On`,
		`xConfiguration SIP Domain 1 Edgexmpp: On`,
		`xConfiguration XMPP Node 1 Address: "` + p.ChatServer() + `"`,
		`xConfiguration XMPP Node 1 Domains: "example.com"`,
		`xConfiguration Zones Zone 1 Name: "Edge"`,
		`xConfiguration Zones Zone 1 Type: TraversalClient`,
		`xConfiguration Zones Zone 1 TraversalClient Peer 1 Address: "` + p.EdgeInner() + `"`,
		`xConfiguration Zones Zone 2 Name: "Call control"`,
		`xConfiguration Zones Zone 2 Type: Neighbor`,
		`xConfiguration Zones Zone 2 Neighbor Peer 1 Address: "` + p.Registrar() + `"`,
		`xConfiguration Zones Zone 2 Neighbor SIP Port: 5060`,
		`xConfiguration Zones Zone 2 Neighbor SIP Transport: TCP`,
		`xConfiguration Zones Policy SearchRules Rule 1 Name: "Users"`,
		`xConfiguration Zones Policy SearchRules Rule 1 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 1 Pattern Type: Suffix`,
		`xConfiguration Zones Policy SearchRules Rule 1 Pattern String: "@example.com"`,
		`xConfiguration Zones Policy SearchRules Rule 1 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 1 Target Type: Zone`,
		`xConfiguration Zones Policy SearchRules Rule 1 Target Name: "Call control"`,
		`xConfiguration CollaborationEdge Enabled: On`,
		`xConfiguration CollaborationEdge RFC3327Enabled: ` + onOff(!p.cfg.NoPath),
		`xConfiguration CollaborationEdge AllowList Rule 1 Url: "http://` + p.WebServer() + `:8080/page/"`,
		`xConfiguration CollaborationEdge AllowList Rule 1 MatchType: prefix`,
		`xConfiguration CollaborationEdge AllowList Rule 1 Description: "Company pages"`,
	}, append(p.adminLines(), p.cfg.Core...)...)
}

func family(a netip.Addr) string {
	if a.Is6() {
		return "V6"
	}
	return "V4"
}

func onOff(b bool) string {
	if b {
		return "On"
	}
	return "Off"
}

func (p *Pair) adminLines() []string {
	return []string{
		fmt.Sprintf(`xConfiguration Administration SSH Port: %d`, ShellPort),
		`xConfiguration Authentication Account Admin Account 1 Name: "admin"`,
		`xConfiguration Authentication Account Admin Account 1 Password: "` + p.Password + `"`,
	}
}
