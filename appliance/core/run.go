package core

import (
	"context"
	"errors"
	"fmt"

	"sallyport/appliance/auth"
	"sallyport/appliance/config"
	"sallyport/appliance/discover"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/media"
	"sallyport/appliance/push"
	"sallyport/appliance/run"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
	"sallyport/appliance/zone"
)

// Apply makes a snapshot real in every plane. It may be called with the same
// snapshot again; what could not be done is in the error and the alarms.
func (c *Core) Apply(snap *config.Snapshot) error {
	c.applying.Lock()
	defer c.applying.Unlock()
	c.snap.Store(snap)
	uc, ucErr := discover.PlanFrom(snap)
	c.uc.Apply(uc)
	return errors.Join(named("discovery", ucErr), c.replan(snap))
}

// replan makes the parts real that hang on what discovery knows.
func (c *Core) replan(snap *config.Snapshot) error {
	sip := flow.PlanFrom(snap, xapi.Core)
	found := c.discovered(snap)
	plan, planErr := PlanFrom(snap, zone.PlanFrom(snap).WithNodes(found.zones), found, sip.Listeners)
	c.plan.Store(plan)
	c.judgeTrunks(plan)
	c.renames()
	c.links.SetMaintenance(plan.Maintenance)
	c.lookMaintenance()
	select {
	case c.replanned <- struct{}{}:
	default:
	}
	select {
	case c.repeered <- struct{}{}:
	default:
	}
	who, whoErr := auth.PlanFrom(snap)
	sign, signErr := auth.SSOPlanFrom(snap)
	c.sso.Apply(sign)
	c.saml.plan(sign.Domains)
	c.grants.Apply(auth.GrantsFrom(snap))
	c.admits.Apply(auth.AdmitsFrom(snap))
	c.push.Apply(push.PlanFrom(snap))
	links, linkErr := traversal.PlanFrom(snap, xapi.Core)
	web, httpErr := httpproxy.PlanFrom(snap, plan.Topology)
	chat, chatErr := xmpp.PlanFrom(snap, plan.Topology)
	contexts := contextsOf(plan, web)
	c.contexts.Store(&contexts)
	c.adviseOnboarding(web)
	clashes := clashes{snap: snap}
	planErr, httpErr, chatErr = clashes.of(planErr, ofTopology), clashes.of(httpErr, ofHTTP), clashes.of(chatErr, ofChat)
	c.advise(snap, plan.Topology, clashes.found)
	if err := c.SetTokenKeys("discovery", c.uc.TokenKeys()); err != nil {
		c.log.Warn("token keys of a cluster are of no use", "event", "discover", "err", err)
	}
	return errors.Join(
		named("deployments", planErr),
		named("credentials", errors.Join(whoErr, signErr, c.applyCredentials(who))),
		named("media", c.relay.Apply(media.PlanFrom(snap, xapi.Core))),
		named("sip", c.flows.Apply(sip)),
		named("http", errors.Join(httpErr, c.http.Apply(web))),
		named("xmpp", errors.Join(chatErr, c.chat.Apply(chat))),
		// Last: a peer that sees the link up sends what the others must be ready for.
		named("link", errors.Join(linkErr, c.links.Apply(links))),
	)
}

func named(plane string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", plane, err)
}

// Run serves until ctx ends: what edges and call control come to stops first,
// what it stands on last.
func (c *Core) Run(ctx context.Context) error {
	g := run.NewGroup(c.log)
	g.Add("media", c.relay.Run)
	g.Add("transactions", c.proxy.Run)
	g.Add("overload", c.load.Run)
	g.Add("credentials", c.vault.Run)
	g.Add("forget", c.tellForget)
	g.Add("flows", c.flows.Run)
	g.Add("http", c.http.Run)
	g.Add("xmpp", c.chat.Run)
	g.Add("links", c.links.Run)
	g.Add("monitor", c.monitor)
	g.Add("node names", c.tellNodes)
	g.Add("peer names", c.learnPeers)
	g.Add("endpoints", c.locals.Run)
	g.Add("lookups", c.lookups.Run)
	g.Add("refreshes", c.refreshes.Run)
	g.Add("push", c.refreshSleepers)
	g.Add("discovery", c.uc.Run)
	g.Add("rediscovery", c.rediscover)
	return g.Run(ctx)
}
