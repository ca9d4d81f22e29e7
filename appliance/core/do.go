package core

import (
	"context"
	"fmt"

	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Do runs a command of the core role; known is false for one that it lacks.
func (c *Core) Do(_ context.Context, name string, args xapi.Args) (result *xapi.Node, known bool, err error) {
	switch name {
	case "Locate":
		result, err = c.locate(args.First("Alias"), args.First("SourceZone"))
	case "ZoneList":
		result, err = c.locate(args.First("Alias"), "")
	case "CheckPattern":
		result, err = checkPattern(args)
	case "DisconnectCall":
		err = c.disconnect(args.First("Call"), args.First("CallSerialNumber"))
	default:
		return nil, false, nil
	}
	return result, true, err
}

// locate tells where a request for an alias would go, and by which rule.
func (c *Core) locate(alias, source string) (*xapi.Node, error) {
	uri, err := sip.ParseURI(alias)
	if err != nil || !uri.SIP() {
		if uri, err = sip.ParseURI("sip:" + alias); err != nil {
			return nil, fmt.Errorf("%s is not an alias", alias)
		}
	}
	result := xapi.NewNode("Result")
	n := 0
	plan := c.plan.Load()
	for _, hop := range plan.Zones.Next(zone.Query{Source: source, Alias: bare(uri), Method: "INVITE"}) {
		n++
		e := result.Nth("Hop", n).Str("Zone", hop.Zone.Name).Leaf("Type", hop.Zone.Type.String()).Str("Rule", hop.Rule).Str("Alias", hop.URI)
		if id, ok := plan.Topology.OfZone(hop.Zone.Name); ok {
			e.Str("Deployment", plan.Topology.Name(id))
		}
	}
	if n == 0 {
		return nil, fmt.Errorf("no search rule leads to %s", alias)
	}
	return result, nil
}

// checkPattern tries a pattern on an alias as a search rule would.
func checkPattern(args xapi.Args) (*xapi.Node, error) {
	behavior := args.First("Behavior")
	if behavior == "" {
		behavior = "Leave"
	}
	p, err := zone.NewPattern(args.First("Type"), args.First("Pattern"), behavior, args.First("Replace"))
	if err != nil {
		return nil, err
	}
	became, ok := p.Apply(args.First("Target"))
	result := xapi.NewNode("Result").Leaf("Matches", map[bool]string{true: "Yes", false: "No"}[ok])
	if ok {
		result.Str("Alias", became)
	}
	return result, nil
}

// disconnect ends a call's media; its ends hang up when they hear nothing.
func (c *Core) disconnect(number, serial string) error {
	found, err := c.watch.Named(number, serial)
	if err == nil {
		c.desk.Drop(found.Session)
	}
	return err
}
