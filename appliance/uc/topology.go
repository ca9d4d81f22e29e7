package uc

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// The default deployment exists always, whatever is configured, and encloses
// all that names no other.
const (
	DefaultDeployment = 1
	DefaultName       = "Default deployment"
)

// advised is how many deployments an administrator keeps in view.
const advised = 10

// Deployment is a boundary around domains and the nodes that serve them.
type Deployment struct {
	ID   int
	Name string // "": DefaultName, or made of the number
}

// Domain is one that users sign in with.
type Domain struct {
	Name       string
	Deployment int
}

// NodeType is what runs on a node.
type NodeType string

// The types of node that clients have business with.
const (
	UnifiedCM       NodeType = "UnifiedCM"
	TFTP            NodeType = "TFTP"
	IMPresence      NodeType = "IMPresence"
	UnityConnection NodeType = "UnityConnection"
)

// Node is one UC server. A server of several zones is several Nodes of one
// host.
type Node struct {
	Host       string // name or address
	Zone       string // the zone that SIP for it takes, "" if none does
	Types      []NodeType
	Publisher  string // of its cluster, "" if it is none
	Deployment int

	Version    string // of its software, "" if nobody asked
	Down       bool   // it does not answer now, so clients are not sent to it
	Discovered bool   // known from its publisher, not from configuration
}

// Up is the opposite of Down: nothing is known against the node.
func (n Node) Up() bool { return !n.Down }

// Is tells whether something of a type runs on the node.
func (n Node) Is(t NodeType) bool { return slices.Contains(n.Types, t) }

// Facts are what a Topology is made of, in the order in which they count.
type Facts struct {
	Deployments []Deployment
	Domains     []Domain
	Nodes       []Node
	Clusters    []Cluster
}

// Topology answers who belongs where.
type Topology struct {
	deployments []Deployment // by ID, the default first
	domains     map[string]int
	hosts       map[string]int
	zones       map[string]int
	nodes       []Node
	clusters    []Cluster
}

// New makes a topology. The error joins a sentence for each fact that
// contradicts another: the first one counts then, and what belongs to a
// deployment that does not exist is served to nobody.
func New(f Facts) (*Topology, error) {
	t := &Topology{domains: map[string]int{}, hosts: map[string]int{}, zones: map[string]int{}}
	var faults faults
	t.addDeployments(f.Deployments, &faults)
	t.addDomains(f.Domains, &faults)
	t.addNodes(f.Nodes, &faults)
	t.addClusters(f.Clusters, &faults)
	return t, faults.join()
}

func (t *Topology) addDeployments(all []Deployment, faults *faults) {
	for _, d := range all {
		if have, known := t.byID(d.ID); known {
			faults.add("deployments %q and %q both have the number %d", have.Name, d.Name, d.ID)
			continue
		}
		if d.Name = strings.TrimSpace(d.Name); d.Name == "" {
			d.Name = nameOf(d.ID)
		}
		t.deployments = append(t.deployments, d)
	}
	if _, known := t.byID(DefaultDeployment); !known {
		t.deployments = append(t.deployments, Deployment{DefaultDeployment, DefaultName})
	}
	slices.SortFunc(t.deployments, func(a, b Deployment) int { return cmp.Compare(a.ID, b.ID) })
	named := map[string]Deployment{}
	for _, d := range t.deployments {
		if other, taken := named[strings.ToLower(d.Name)]; taken {
			faults.add("deployments %d and %d are both called %q", other.ID, d.ID, d.Name)
			continue
		}
		named[strings.ToLower(d.Name)] = d
	}
}

func nameOf(id int) string {
	if id == DefaultDeployment {
		return DefaultName
	}
	return fmt.Sprintf("Deployment %d", id)
}

func (t *Topology) addDomains(all []Domain, faults *faults) {
	for _, d := range all {
		name := Canonical(d.Name)
		have, known := t.domains[name]
		switch {
		case name == "":
		case known && have != d.Deployment:
			faults.add("domain %s is in two deployments, %s and %s; it can be in one only", name, t.Name(have), t.Name(d.Deployment))
		case known:
		case !t.Exists(d.Deployment):
			faults.add("domain %s is in deployment %d, which does not exist", name, d.Deployment)
		default:
			t.domains[name] = d.Deployment
		}
	}
}

func (t *Topology) addNodes(all []Node, faults *faults) {
	for _, n := range all {
		n.Host, n.Publisher = Canonical(n.Host), Canonical(n.Publisher)
		have, known := t.hosts[n.Host]
		switch {
		case known && have != n.Deployment:
			faults.add("node %s is in two deployments, %s and %s; it can be in one only", n.Host, t.Name(have), t.Name(n.Deployment))
			n.Deployment = have
		case !t.Exists(n.Deployment):
			faults.add("node %s is in deployment %d, which does not exist", n.Host, n.Deployment)
		}
		t.hosts[n.Host] = n.Deployment
		if zone := strings.ToLower(n.Zone); zone != "" {
			t.zones[zone] = n.Deployment
		}
		t.nodes = append(t.nodes, n)
	}
}

// Canonical is the one spelling of a host or domain that look-ups compare.
func Canonical(host string) string {
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(strings.TrimSpace(host), "[]"), "."))
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().String()
	}
	return host
}
