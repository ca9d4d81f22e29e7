package pair

import (
	"net/netip"

	"sallyport/test/lab"
)

// TrunkLines are what core is told so that endpoints register at it and call
// control is reached by a trunk beside the line side.
func (p *Pair) TrunkLines() []string {
	return []string{
		`xConfiguration SIP Domain 20 Name: "` + lab.RoomDomain + `"`,
		`xCommand CredentialAdd Name: "` + lab.RoomUser + "@" + lab.RoomDomain + `" Password: "` + lab.RoomPassword + `"`,
		`xConfiguration SIP Domain 1 Authzone: "Call control"`,
		`xConfiguration Zones Zone 20 Name: "Trunk"`,
		`xConfiguration Zones Zone 20 Type: Neighbor`,
		`xConfiguration Zones Zone 20 Neighbor Peer 1 Address: "` + p.Registrar() + `"`,
		`xConfiguration Zones Zone 20 Neighbor SIP Port: 5070`,
		`xConfiguration Zones Zone 20 Neighbor SIP Transport: TCP`,
		`xConfiguration Zones Policy SearchRules Rule 20 Name: "Rooms to call control"`,
		`xConfiguration Zones Policy SearchRules Rule 20 Priority: 50`,
		`xConfiguration Zones Policy SearchRules Rule 20 Source Mode: LocalZone`,
		`xConfiguration Zones Policy SearchRules Rule 20 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 20 Pattern Type: Suffix`,
		`xConfiguration Zones Policy SearchRules Rule 20 Pattern String: "@example.com"`,
		`xConfiguration Zones Policy SearchRules Rule 20 Pattern Behavior: Leave`,
		`xConfiguration Zones Policy SearchRules Rule 20 Progress: Stop`,
		`xConfiguration Zones Policy SearchRules Rule 20 Target Name: "Trunk"`,
	}
}

// RoomPhone makes an endpoint of core's own, as the world does.
func (p *Pair) RoomPhone(change ...func(*lab.PhoneConfig)) (*lab.Phone, error) {
	return p.World.RoomPhone(netip.AddrPortFrom(netip.MustParseAddr(p.CoreAddr()), 5060), change...)
}
