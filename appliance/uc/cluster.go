package uc

import (
	"cmp"
	"slices"
)

// Cluster is what the publisher of a cluster told about it as a whole. Its nodes
// are among the topology's Nodes, by their Publisher.
type Cluster struct {
	Publisher  string   // host of the publisher, as configured
	Type       NodeType // UnifiedCM, IMPresence or UnityConnection
	Deployment int
	Version    string   // "15.0.1.12900(234)"
	Mixed      bool     // call control: nodes take TLS of secure devices
	SIPOAuth   bool     // call control: nodes take tokens of SIP clients
	Refresh    bool     // call control: tokens are renewed (OAuth with refresh login flow)
	NoCodes    bool     // call control: no node redeems activation codes
	Domains    []string // call control: registration domains; presence: chat domains
	Verified   bool     // the nodes' certificates are checked
}

func (t *Topology) addClusters(all []Cluster, faults *faults) {
	for _, c := range all {
		c.Publisher = Canonical(c.Publisher)
		have, known := t.Cluster(c.Publisher)
		switch {
		case known && have.Type == c.Type:
			faults.add("publisher %s is there twice", c.Publisher)
			continue
		case !t.Exists(c.Deployment):
			faults.add("publisher %s is in deployment %d, which does not exist", c.Publisher, c.Deployment)
		}
		t.clusters = append(t.clusters, c)
	}
	slices.SortStableFunc(t.clusters, func(a, b Cluster) int {
		return cmp.Or(cmp.Compare(a.Deployment, b.Deployment), cmp.Compare(a.Publisher, b.Publisher))
	})
}

// Clusters lists the clusters of a deployment; 0 means those of all.
func (t *Topology) Clusters(deployment int) []Cluster {
	var out []Cluster
	for _, c := range t.clusters {
		if deployment == 0 || c.Deployment == deployment {
			out = append(out, c)
		}
	}
	return out
}

// Cluster finds a cluster by the host of its publisher.
func (t *Topology) Cluster(publisher string) (Cluster, bool) {
	publisher = Canonical(publisher)
	i := slices.IndexFunc(t.clusters, func(c Cluster) bool { return c.Publisher == publisher })
	if i < 0 {
		return Cluster{}, false
	}
	return t.clusters[i], true
}

// NodesOf lists the nodes of a cluster, the publisher first, each host once.
func (t *Topology) NodesOf(publisher string) []Node {
	publisher = Canonical(publisher)
	return t.hostsWhere(publisher, func(n Node) bool { return n.Publisher == publisher })
}

// Serving lists the nodes of a deployment on which something of a type runs and
// that answer, each host once: whom clients may be sent to. Where none answers
// it lists all, since a client that tries finds out better than one that is
// told nothing.
func (t *Topology) Serving(deployment int, kind NodeType) []Node {
	all := t.hostsWhere("", func(n Node) bool { return n.Deployment == deployment && n.Is(kind) })
	up := slices.DeleteFunc(slices.Clone(all), func(n Node) bool { return n.Down })
	if len(up) > 0 {
		return up
	}
	return all
}

// hostsWhere lists nodes that are wanted, one for each host; first comes first.
func (t *Topology) hostsWhere(first string, want func(Node) bool) []Node {
	var out []Node
	done := map[string]bool{}
	for _, n := range t.nodes {
		if want(n) && !done[n.Host] {
			done[n.Host] = true
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b Node) int {
		return cmp.Compare(rank(a.Host == first), rank(b.Host == first))
	})
	return out
}

func rank(first bool) int {
	if first {
		return 0
	}
	return 1
}

// Node finds a host; of one in several zones the first.
func (t *Topology) Node(host string) (Node, bool) {
	host = Canonical(host)
	i := slices.IndexFunc(t.nodes, func(n Node) bool { return n.Host == host })
	if i < 0 {
		return Node{}, false
	}
	return t.nodes[i], true
}
