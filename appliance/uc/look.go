package uc

import (
	"fmt"
	"slices"
	"strings"
)

// Deployments lists all by number; the default one is always there.
func (t *Topology) Deployments() []Deployment { return slices.Clone(t.deployments) }

// Nodes lists all nodes, in the order in which they were given.
func (t *Topology) Nodes() []Node { return slices.Clone(t.nodes) }

func (t *Topology) byID(id int) (Deployment, bool) {
	i := slices.IndexFunc(t.deployments, func(d Deployment) bool { return d.ID == id })
	if i < 0 {
		return Deployment{}, false
	}
	return t.deployments[i], true
}

// Exists tells whether there is a deployment of that number.
func (t *Topology) Exists(id int) bool {
	_, ok := t.byID(id)
	return ok
}

// Name is what a deployment is called, also one that does not exist.
func (t *Topology) Name(id int) string {
	if d, ok := t.byID(id); ok {
		return d.Name
	}
	return nameOf(id)
}

// Named finds a deployment by its name, case aside; "" is the default one.
func (t *Topology) Named(name string) (id int, ok bool) {
	if name == "" {
		return DefaultDeployment, true
	}
	for _, d := range t.deployments {
		if strings.EqualFold(d.Name, name) {
			return d.ID, true
		}
	}
	return 0, false
}

// OfDomain is the deployment whose users have a domain.
func (t *Topology) OfDomain(domain string) (id int, ok bool) {
	id, ok = t.domains[Canonical(domain)]
	return id, ok
}

// OfHost is the deployment of the node with a name or address.
func (t *Topology) OfHost(host string) (id int, ok bool) {
	id, ok = t.hosts[Canonical(host)]
	return id, ok
}

// OfZone is the deployment of the nodes behind a zone.
func (t *Topology) OfZone(zone string) (id int, ok bool) {
	id, ok = t.zones[strings.ToLower(zone)]
	return id, ok
}

// Domains lists the domains of a deployment, sorted.
func (t *Topology) Domains(id int) []string {
	var out []string
	for name, at := range t.domains {
		if at == id {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Advice is what an administrator should know about the deployments as a
// whole, "" if nothing: more than ten are allowed, but nobody keeps them in
// view.
func (t *Topology) Advice() string {
	if n := len(t.deployments); n > advised {
		return fmt.Sprintf("There are %d deployments; more than %d are hard to keep apart.", n, advised)
	}
	return ""
}
