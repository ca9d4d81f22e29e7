package core

import (
	"strings"
	"time"

	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// Status adds the elements of xStatus that this role knows.
func (c *Core) Status(t *xapi.Node) {
	sip := t.Add("SIP")
	c.flows.Report(sip)
	sip.Int("Transactions", int(c.proxy.Stats().Transactions))
	sip.Add("FastPath").Int("Taken", int(c.fast.taken.Load())).Int("Searched", int(c.fast.stale.Load())).Int("Refused", int(c.fast.refused.Load()))
	c.zones(t.Add("Zones"))
	c.watch.Report(t.Add("Calls"))
	c.locals.Report(t.Add("Registrations"), c.cfg.Clock())
	c.links.ReportTunnels(t.Add("Tunnels"))
	c.chat.Report(t.Add("XMPP"))
	c.deployments(t.Add("CollaborationEdge"))
	c.keys.Report(t.Add("Authzkeys"))
	c.http.ReportOnboarding(t.Add("Onboarding"))
	c.sso.Report(t.Add("Edgesso"))
	c.http.ReportLogins(t.Add("EdgeConfigProvisioning"))
	c.reportMaintenance(t.Branch("SystemUnit").Add("Maintenance"))
	c.reportPush(t.Add("Push"))
	usage := t.Add("ResourceUsage")
	c.load.Report(usage.Add("Overload"))
	c.calls.ReportUsage(usage.Add("Calls"))
	c.watch.Bandwidth.Report(usage.Add("Bandwidth"))
	usage.Str("Basis", c.capacity.Basis)
	c.recordings.report(t.Add("Recording"))
}

// deployments shows who may reach what: deployments, their nodes, the allow list.
func (c *Core) deployments(t *xapi.Node) {
	top := c.plan.Load().Topology
	nodes := top.Nodes()
	for _, d := range top.Deployments() {
		e := t.Nth("Deployment", d.ID)
		e.Str("Name", d.Name)
		e.Str("Domains", strings.Join(top.Domains(d.ID), ","))
		e.Int("Nodes", count(merged(nodes), d.ID))
	}
	if advice := top.Advice(); advice != "" {
		t.Str("DeploymentAdvice", advice)
	}
	c.http.Report(t.Add("HTTPAllowList"))
	c.reportNodes(t, top)
	if d := c.contexts.Load(); d != nil {
		d.report(t)
	}
	c.reportDiscovery(t)
}

func count(nodes []*mergedNode, deployment int) (n int) {
	for _, node := range nodes {
		if node.Deployment == deployment {
			n++
		}
	}
	return n
}

// History adds the elements of xHistory that this role knows.
func (c *Core) History(t *xapi.Node) { c.calls.ReportHistory(t.Add("Calls")) }

func (c *Core) zones(t *xapi.Node) {
	for _, z := range c.plan.Load().Zones.Zones {
		n := t.Nth("Zone", z.Index)
		n.Str("Name", z.Name)
		n.Leaf("Type", z.Type.String())
		if z.Automatic {
			n.Leaf("Automatic", "Yes")
		}
		peers := xapi.NewNode("")
		active := false
		if z.Type == zone.Neighbor {
			active = c.neighbor(peers, z)
		} else {
			active = c.links.ReportZone(peers, z.Name)
		}
		n.Leaf("Status", word(active))
		n.Children = append(n.Children, peers.Children...)
	}
}

// neighbor adds how each peer of a neighbor answered last. One that nobody
// asks counts as active: nothing is known against it.
func (c *Core) neighbor(t *xapi.Node, z *zone.Zone) (active bool) {
	kind := t.Add("Neighbor")
	for i, p := range peersOf(z, "") {
		n := kind.Nth("Peer", i+1).Add("SIP")
		h, asked := c.peers.get(peerLabel(p))
		up := h.up || !asked && !z.Monitor
		active = active || up
		n.Leaf("Status", word(up))
		n.Str("Address", p.host)
		n.Int("Port", p.port)
		if asked {
			n.Str("LastStatusChange", h.since.Local().Format(time.DateTime))
		}
		if h.why != "" {
			n.Str("Cause", h.why)
		}
	}
	return active
}

func word(active bool) string {
	if active {
		return "Active"
	}
	return "Failed"
}
