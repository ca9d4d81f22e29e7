package edge

import (
	"sallyport/appliance/xapi"
)

// Status adds the elements of xStatus that this role knows.
func (e *Edge) Status(t *xapi.Node) {
	sip := t.Add("SIP")
	e.flows.Report(sip)
	sip.Int("Transactions", int(e.proxy.Stats().Transactions))
	e.zones(t.Add("Zones"))
	e.watch.Report(t.Add("Calls"))
	e.bindings.Report(t.Add("Registrations"), e.clock())
	e.links.ReportTunnels(t.Add("Tunnels"))
	e.chat.Report(t.Add("XMPP"))
	e.turn.Report(t.Add("TURN"))
	e.reportOnboarding(t.Add("Onboarding"))
	e.push.report(t.Add("XCP").Add("FcmService"))
	e.guard.Report(t.Add("Authentication"))
	e.reportMaintenance(t.Branch("SystemUnit").Add("Maintenance"))
	usage := t.Add("ResourceUsage")
	e.load.Report(usage.Add("Overload"))
	e.calls.ReportUsage(usage.Add("Calls"))
	e.regs.report(usage.Add("Registrations"), e.bindings.Len(), e.capacity.Registrations)
	e.watch.Bandwidth.Report(usage.Add("Bandwidth"))
	usage.Str("Basis", e.capacity.Basis)
}

// History adds the elements of xHistory that this role knows.
func (e *Edge) History(t *xapi.Node) { e.calls.ReportHistory(t.Add("Calls")) }

func (e *Edge) zones(t *xapi.Node) {
	for _, z := range e.plan.Load().All {
		n := t.Nth("Zone", z.Index)
		n.Str("Name", z.Name)
		n.Leaf("Type", z.Type.String())
		peers := xapi.NewNode("")
		n.Leaf("Status", word(e.links.ReportZone(peers, z.Name)))
		n.Children = append(n.Children, peers.Children...)
	}
}

func word(active bool) string {
	if active {
		return "Active"
	}
	return "Failed"
}
