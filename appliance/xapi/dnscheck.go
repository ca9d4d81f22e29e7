package xapi

// DNSCheck asks name servers for what remote access of a domain needs.
var DNSCheck = &Command{
	Name: "DNSCheck", Spaced: "DNS Check", Role: Both, Guide: "Multidomain", New: true,
	Params: []Param{
		{Name: "Alias", Kind: DNSName, Min: 1, Max: 253, Help: "Alias that leads to the first edge of each location, for providers that answer by location for CNAME records only."},
		{Name: "BackupAlias", Kind: DNSName, Min: 1, Max: 253, Help: "Alias that leads to the second edge of each location."},
		{Name: "Domain", Kind: DNSName, Min: 1, Max: 200, Required: true, Help: "Edge domain whose records are checked."},
		{Name: "InternalServer", Kind: String, Min: 1, Max: 64, Repeats: true, Help: "Name server inside to ask, as ADDRESS or ADDRESS:PORT."},
		{Name: "Location", Kind: String, Min: 1, Max: 1024, Repeats: true, Required: true, Help: "Place that clients ask from, the subnet that stands for it, and its edges, the nearest first: NAME@SUBNET=EDGE,EDGE; without @SUBNET where this node is."},
		{Name: "Node", Kind: Host, Min: 1, Max: 253, Repeats: true, Help: "Unified CM node, for the records inside; on core those that discovery found if not given."},
		{Name: "PublicServer", Kind: String, Min: 1, Max: 64, Repeats: true, Help: "Name server outside to ask, as ADDRESS or ADDRESS:PORT."},
		{Name: "ServerDomain", Kind: DNSName, Min: 1, Max: 253, Help: "Domain that the edges' own names are in; that of this node on edge if not given."},
	},
	Help: "Asks the given name servers, for each location by client subnet, for the SRV, CNAME, address and PTR records that remote access of a domain needs, says what is wrong with them, and prints the records to create in zone-file form; changes nothing.",
}
