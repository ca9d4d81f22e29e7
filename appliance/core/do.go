package core

import (
	"context"
	"fmt"
	"strings"

	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Do runs a command of the core role; known is false for one that it lacks.
func (c *Core) Do(ctx context.Context, name string, args xapi.Args) (result *xapi.Node, known bool, err error) {
	switch name {
	case "Locate":
		result, err = c.locate(args.First("Alias"), args.First("SourceZone"), args.First("Authenticated") != "No")
	case "ZoneList":
		result, err = c.locate(args.First("Alias"), "", true)
	case "CheckPattern":
		result, err = checkPattern(args)
	case "FindRegistration":
		result, err = c.locals.FindAlias(args.First("Alias"), c.cfg.Clock())
	case "RemoveRegistration":
		_, err = c.locals.Discard(args.First("Registration"), args.First("RegistrationSerialNumber"))
	case "EdgeSSODeleteTokens":
		result = c.deleteTokens(ctx, args.First("Username"))
	case "EdgeSSOPurgeTokens":
		result = c.deleteTokens(ctx, "")
	case "EdgeSSOStatusClear":
		c.sso.ClearStatus()
	case "RecordingPlan":
		result, err = c.watch.Plan(args)
	case "DisconnectCall":
		err = c.disconnect(args.First("Call"), args.First("CallSerialNumber"))
	default:
		return nil, false, nil
	}
	return result, true, err
}

// locate tells where a request for an alias would go, by which rule, and what
// every other rule had against it.
func (c *Core) locate(alias, source string, authenticated bool) (*xapi.Node, error) {
	uri, err := sip.ParseURI(alias)
	if err != nil || !uri.SIP() {
		if uri, err = sip.ParseURI("sip:" + alias); err != nil {
			return nil, fmt.Errorf("%s is not an alias", alias)
		}
	}
	result := xapi.NewNode("Result")
	plan := c.plan.Load()
	if source != "" && plan.Zones.Zone(source) == nil {
		return nil, fmt.Errorf("there is no zone %s", source)
	}
	hops, steps := plan.Zones.Explain(zone.Query{Source: source, Alias: bare(uri), Method: "INVITE", Authenticated: authenticated})
	n := 0
	if to, err := sip.ParseURI(plan.Zones.Transformed("sip:" + bare(uri))); err == nil {
		for _, t := range c.ownTargets(plan, to) {
			n++
			result.Nth("Hop", n).Str("Zone", "LocalZone").Str("Rule", "registered here").Str("Alias", t.uri)
		}
	}
	for _, hop := range hops {
		n++
		e := result.Nth("Hop", n).Str("Zone", hop.Zone.Name).Leaf("Type", hop.Zone.Type.String()).Str("Rule", hop.Rule).Str("Alias", hop.URI)
		if id, ok := plan.Topology.OfZone(hop.Zone.Name); ok {
			e.Str("Deployment", plan.Topology.Name(id))
		}
	}
	for i, s := range steps {
		e := result.Nth("Step", i+1).Str("What", s.What)
		if s.Target != "" {
			e.Str("Target", s.Target)
		}
		e.Leaf("Used", yesNo(s.Used)).Str("Why", s.Why)
	}
	if n == 0 {
		return nil, fmt.Errorf("no search rule leads to %s%s", alias, refusals(steps))
	}
	return result, nil
}

// refusals says in one line what each step had against an alias.
func refusals(steps []zone.Step) string {
	var b strings.Builder
	for _, s := range steps {
		if !s.Used {
			fmt.Fprintf(&b, "; %s: %s", s.What, s.Why)
		}
	}
	return b.String()
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
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
	result := xapi.NewNode("Result").Leaf("Matches", yesNo(ok))
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
