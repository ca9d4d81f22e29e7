package xapi

// Access tokens for trunks. The replaced product has no settings for them: it
// is call control that is told there how a trunk is authorized.
var (
	NeighborTokenEndpoint = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth TokenEndpoint", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Where core gets an access token (https, client credentials of RFC 6749) when a peer of the zone asks for one; empty: core has none to show.",
	}}
	NeighborTokenClient = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth ClientId", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Who core says it is at the token endpoint.",
	}}
	NeighborTokenSecret = Secret{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth ClientSecret", Kind: Password, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Core's secret at the token endpoint.",
	}}
	NeighborTokenScope = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Scope", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Scope that core asks for; empty takes what the endpoint gives.",
	}}

	// AlarmTrunkToken is raised while a trunk asks for a token that core cannot
	// get, or does not take the one that it got.
	AlarmTrunkToken = &Alarm{
		ID: 74023, Title: "Trunk without access token", Severity: "Error", Role: Core,
		Cause:  "A trunk asks for an access token, and core has none that it takes.",
		Remedy: "Check the token endpoint, client and secret of the zone; the detail says what was answered.",
	}
)

func trunkOAuthItems() []*Item {
	return []*Item{NeighborTokenEndpoint.Item, NeighborTokenClient.Item, NeighborTokenSecret.Item, NeighborTokenScope.Item}
}
