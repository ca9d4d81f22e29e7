package core

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sallyport/appliance/httpproxy"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// adviseOnboarding keeps the alarm of phones that redeem a code and then get no
// further.
func (c *Core) adviseOnboarding(web httpproxy.Plan) {
	var keys []string
	for key, text := range onboardingFaults(web) {
		keys = append(keys, key)
		c.cfg.Alarms.Raise(xapi.AlarmOnboarding, key, text)
	}
	c.cfg.Alarms.Keep(xapi.AlarmOnboarding, keys...)
}

// onboardingFaults are sentences by what they are about.
func onboardingFaults(web httpproxy.Plan) map[string]string {
	out := map[string]string{}
	if !web.Onboarding.On {
		return out
	}
	some := false
	for _, cluster := range web.Onboarding.Clusters {
		d := cluster.Activation
		if d == "" {
			continue
		}
		some = true
		of, served := web.Domains[d]
		found, known := web.Topology.Cluster(cluster.Publisher)
		switch {
		case !served:
			out[d] = fmt.Sprintf("%s, the activation domain of %s, is no domain of remote users here: add it by xCommand DomainAdd Name: %s Edgesip: On, on edge and on core.", d, cluster.Publisher, d)
		case known && httpproxy.Key(found.Deployment) != of:
			out[d] = fmt.Sprintf("%s, the activation domain of %s, is in another deployment than the cluster: move one of them.", d, cluster.Publisher)
		case !web.Login.Token && !web.Login.Opaque:
			out[d] = "Onboarded phones sign in by token, which no setting lets them: set CollaborationEdge OauthLocal to On."
		}
		if known && found.NoCodes {
			out["service of "+cluster.Publisher] = fmt.Sprintf("No node of the cluster of %s has the Cisco Device Activation Service active, so no code is redeemed in %s: "+
				"activate it in Cisco Unified Serviceability (Tools > Service Activation), then xCommand RefreshServers Address: %s.", cluster.Publisher, d, cluster.Publisher)
		}
	}
	if !some {
		out[""] = "No cluster has an activation domain: set CollaborationEdge CUCM n ActivationDomain to the one that the cluster has."
	}
	return out
}

// domainContexts tells what each domain that something here knows is used for,
// in the words of the guide.
type domainContexts map[string]map[string]map[string]bool // domain to context to publishers

func (d domainContexts) add(domain, context, publisher string) {
	if domain = uc.Canonical(domain); domain == "" {
		return
	}
	if d[domain] == nil {
		d[domain] = map[string]map[string]bool{}
	}
	if d[domain][context] == nil {
		d[domain][context] = map[string]bool{}
	}
	if publisher != "" {
		d[domain][context][publisher] = true
	}
}

func contextsOf(plan *Plan, web httpproxy.Plan) domainContexts {
	d := domainContexts{}
	d.add(plan.ServerDomain, "Server", "")
	for domain := range web.Domains {
		d.add(domain, "Edge", "")
	}
	for _, domain := range plan.Presence {
		d.add(domain, "Presence", "")
	}
	if plan.Topology == nil {
		return d
	}
	for _, c := range plan.Topology.Clusters(0) {
		context := map[uc.NodeType]string{uc.UnifiedCM: "Internal", uc.IMPresence: "Presence"}[c.Type]
		for _, domain := range c.Domains {
			if context != "" {
				d.add(domain, context, c.Publisher)
			}
		}
	}
	for _, n := range plan.Topology.Nodes() {
		if _, domain, ok := strings.Cut(n.Host, "."); ok && !isAddress(n.Host) {
			d.add(domain, "Internal", cmp.Or(n.Publisher, n.Host))
		}
	}
	for _, c := range web.Onboarding.Clusters {
		d.add(c.Activation, "Activation", c.Publisher)
		d.add(c.Activation, "Service", c.Publisher) // it is always among them
		for _, domain := range c.Service {
			d.add(domain, "Service", c.Publisher)
		}
	}
	return d
}

func (d domainContexts) report(t *xapi.Node) {
	for i, domain := range slices.Sorted(maps.Keys(d)) {
		clusters := map[string]bool{}
		for _, of := range d[domain] {
			maps.Copy(clusters, of)
		}
		t.Nth("Domain", i+1).Str("Name", domain).Str("Contexts", strings.Join(slices.Sorted(maps.Keys(d[domain])), ",")).
			Str("Clusters", strings.Join(slices.Sorted(maps.Keys(clusters)), ","))
	}
}
