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

	NeighborTokenIncoming = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Incoming Mode", Kind: Enumeration, Values: onOff, Default: "Off",
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Whether peers of the zone have to show an access token with what they begin; not for the line side, where calls to phones come from.",
	}}
	NeighborTokenIssuer = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Incoming Issuer", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Who has to have issued the token (iss).",
	}}
	NeighborTokenAudience = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Incoming Audience", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "What the token has to be for (aud): how the issuer names this core.",
	}}
	NeighborTokenKeys = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Incoming KeysURL", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Where the issuer's keys are (https, a key set of RFC 7517).",
	}}
	NeighborTokenWanted = Str{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP OAuth Incoming Scope", Kind: String, Max: 256,
		Role: Core, Effect: NewOnly, Guide: "SIP trunks", New: true,
		Help: "Scope that the token has to grant; empty: any.",
	}}

	// AlarmTrunkKeys is raised while the tokens of a trunk's peers cannot be judged.
	AlarmTrunkKeys = &Alarm{
		ID: 74024, Title: "Trunk tokens cannot be judged", Severity: "Error", Role: Core,
		Cause:  "The keys of the issuer whose access tokens a trunk asks for cannot be fetched.",
		Remedy: "Check the zone's KeysURL and that core reaches it and trusts its certificate; the detail says what was answered.",
	}

	// AlarmTrunkToken is raised while a trunk asks for a token that core cannot
	// get, or does not take the one that it got.
	AlarmTrunkToken = &Alarm{
		ID: 74023, Title: "Trunk without access token", Severity: "Error", Role: Core,
		Cause:  "A trunk asks for an access token, and core has none that it takes.",
		Remedy: "Check the token endpoint, client and secret of the zone; the detail says what was answered.",
	}
)

func trunkOAuthItems() []*Item {
	return []*Item{NeighborTokenEndpoint.Item, NeighborTokenClient.Item, NeighborTokenSecret.Item, NeighborTokenScope.Item,
		NeighborTokenIncoming.Item, NeighborTokenIssuer.Item, NeighborTokenAudience.Item, NeighborTokenKeys.Item, NeighborTokenWanted.Item}
}
