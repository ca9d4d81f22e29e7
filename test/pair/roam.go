package pair

import (
	"fmt"
	"net/netip"

	"sallyport/test/lab"
)

// Place is a network that a phone may roam to: "office", inside and straight at
// call control; "outside", before edge; "lte", before edge as well, reached from
// another network outside.
func (p *Pair) Place(name string) (lab.Place, error) {
	p.phones++
	switch name {
	case "office":
		return lab.Place{Server: netip.AddrPortFrom(netip.MustParseAddr(p.Registrar()), 5060), Transport: "TCP",
			Local: netip.MustParseAddr(p.at(fmt.Sprint("2.", 100+p.phones%100)))}, nil
	case "outside", "lte":
		return lab.Place{Server: netip.AddrPortFrom(p.Outer, 5061), ServerName: EdgeName, Transport: "TLS",
			Local: p.Client(p.phones), Suites: lab.AllSuites(), Same: name == "lte"}, nil
	}
	return lab.Place{}, fmt.Errorf("there is no network %s", name)
}
