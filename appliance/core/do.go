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
		result, err = c.locate(argument(args, "Alias"), argument(args, "SourceZone"))
	case "ZoneList":
		result, err = c.locate(argument(args, "Alias"), "")
	case "CheckPattern":
		result, err = checkPattern(args)
	case "DisconnectCall":
		err = c.disconnect(argument(args, "Call"), argument(args, "CallSerialNumber"))
	default:
		return nil, false, nil
	}
	return result, true, err
}

func argument(args xapi.Args, name string) string {
	if v := args[name]; len(v) > 0 {
		return v[0]
	}
	return ""
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
	behavior := argument(args, "Behavior")
	if behavior == "" {
		behavior = "Leave"
	}
	p, err := zone.NewPattern(argument(args, "Type"), argument(args, "Pattern"), behavior, argument(args, "Replace"))
	if err != nil {
		return nil, err
	}
	became, ok := p.Apply(argument(args, "Target"))
	result := xapi.NewNode("Result").Leaf("Matches", map[bool]string{true: "Yes", false: "No"}[ok])
	if ok {
		result.Str("Alias", became)
	}
	return result, nil
}

// disconnect ends a call's media; its ends hang up when they hear nothing.
func (c *Core) disconnect(number, serial string) error {
	for i, call := range c.calls.List() {
		if call.Serial() == serial || fmt.Sprint(i+1) == number {
			c.desk.Drop(call.Session)
			return nil
		}
	}
	return fmt.Errorf("there is no call %s%s; see xStatus Calls", number, serial)
}
