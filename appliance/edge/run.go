package edge

import (
	"context"
	"errors"
	"fmt"

	"sallyport/appliance/auth"
	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/media"
	"sallyport/appliance/run"
	"sallyport/appliance/traversal"
	"sallyport/appliance/turn"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
)

// Apply makes a snapshot real in every plane. It may be called with the same
// snapshot again; what could not be done is in the error and the alarms.
func (e *Edge) Apply(snap *config.Snapshot) error {
	plan := PlanFrom(snap)
	e.settle(e.plan.Swap(plan), plan)
	e.guard.Apply(auth.GuardPlanFrom(snap))
	e.push.apply(plan.Fcm)
	e.links.SetMaintenance(plan.Maintenance)
	e.lookMaintenance()
	e.open.keep(e.alarms, plan.Domains)
	links, linkErr := traversal.PlanFrom(snap, xapi.Edge)
	return errors.Join(
		named("media", e.relay.Apply(media.PlanFrom(snap, xapi.Edge))),
		named("sip", e.flows.Apply(flow.PlanFrom(snap, xapi.Edge))),
		named("link", errors.Join(linkErr, e.links.Apply(links))),
		named("http", e.http.Apply(httpproxy.GatePlanFrom(snap))),
		named("xmpp", e.chat.Apply(xmpp.GatePlanFrom(snap))),
		named("turn", e.turn.Apply(turn.PlanFrom(snap))),
	)
}

func named(plane string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", plane, err)
}

// Run serves until ctx ends: what clients come to stops first, what it stands
// on last.
func (e *Edge) Run(ctx context.Context) error {
	g := run.NewGroup(e.log)
	g.Add("media", e.relay.Run)
	g.Add("transactions", e.proxy.Run)
	g.Add("overload", e.load.Run)
	g.Add("links", e.links.Run)
	g.Add("bindings", e.bindings.Run)
	g.Add("partners", e.partners.Run)
	g.Add("holds", e.holds.run)
	g.Add("dials", e.dials.Run)
	g.Add("hints", e.hints.Run)
	g.Add("credentials", e.guard.Run)
	g.Add("flows", e.flows.Run)
	g.Add("https", e.http.Run)
	g.Add("xmpp", e.chat.Run)
	g.Add("push", e.push.run)
	g.Add("turn", e.turn.Run)
	return g.Run(ctx)
}
