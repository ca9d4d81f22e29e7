package xapi

// Which suites of SRTP a zone bears.
var (
	NeighborAESGCM = Bool{&Item{
		Path: "Zones Zone [1..1000] Neighbor SIP Media AesGcm Support", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help:    "Offers and takes the GCM suites of SRTP on the neighbor's side of calls.",
		Differs: "the replaced product has Off; here the stronger suites are offered first unless a far end cannot bear them",
	}}
	DNSZoneAESGCM = Bool{&Item{
		Path: "Zones Zone [1..1000] DNS SIP Media AesGcm Support", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help:    "Offers and takes the GCM suites of SRTP on the zone's side of calls.",
		Differs: "the replaced product has Off; here the stronger suites are offered first unless a far end cannot bear them",
	}}
	TraversalClientAESGCM = Bool{&Item{
		Path: "Zones Zone [1..1000] TraversalClient SIP Media AesGcm Support", Kind: Enumeration, Values: onOff, Default: "On",
		Role: Core, Effect: NewOnly, Guide: "Media",
		Help:    "Offers and takes the GCM suites of SRTP on the side of remote clients of the zone's edges.",
		Differs: "the replaced product has Off; here the stronger suites are offered first unless a far end cannot bear them",
	}}
)

func suiteItems() []*Item {
	return []*Item{NeighborAESGCM.Item, DNSZoneAESGCM.Item, TraversalClientAESGCM.Item}
}
