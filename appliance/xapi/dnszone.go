package xapi

// DNSZoneInside is what a DNS zone may lead to besides the open Internet.
var DNSZoneInside = Bool{&Item{
	Path: "Zones Zone [1..1000] DNS InsideAddresses", Kind: Enumeration, Values: onOff, Default: "Off",
	Role: Core, Effect: NewOnly, Guide: "Zones", New: true,
	Help: "Takes records that lead to private addresses and the networks of this node, as a name server of the inside gives them; never to this node itself or to link-local ones.",
}}

func dnsZoneItems() []*Item { return []*Item{DNSZoneInside.Item} }
