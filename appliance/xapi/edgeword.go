package xapi

// How far core takes the word of the edges of a traversal zone.
var (
	TraversalClientCallers = Enum{&Item{
		Path: "Zones Zone [1..1000] TraversalClient Callers", Kind: Enumeration, Values: []string{"Registered", "Domain"}, Default: "Registered",
		Role: Core, Effect: NewOnly, Guide: "Zones", New: true,
		Help: "Whose requests are taken from the zone's edges: Registered, of users whose registration core saw go through that very edge; Domain, of any user of a served domain that an edge names.",
	}}
	TraversalClientDomains = Str{&Item{
		Path: "Zones Zone [1..1000] TraversalClient Domains", Kind: String, Max: 1024,
		Role: Core, Effect: NewOnly, Guide: "Zones", New: true,
		Help: "Domains that the zone's edges may speak for, with commas between them; empty for all that core serves.",
	}}
)

func edgeWordItems() []*Item {
	return []*Item{TraversalClientCallers.Item, TraversalClientDomains.Item}
}
