package discover

import (
	"cmp"
	"slices"

	"sallyport/appliance/uc"
)

// A Server is one discovered node, once, with what its cluster says of it.
type Server struct {
	Node
	Cluster uc.Cluster
	Down    map[uc.NodeType]string // services that do not answer, and why
}

// Facts are what topology and zones are made of.
type Facts struct {
	Clusters []uc.Cluster
	Servers  []Server
	Twice    []string // hosts that two clusters claim; the first has them
}

// Facts tells what is known now of the publishers that are configured.
func (d *Discoverer) Facts() Facts {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out Facts
	owner := map[string]string{}
	for _, s := range d.orderedLocked() {
		f := d.found[s.key()]
		if f == nil {
			continue
		}
		c := cluster(s, f)
		out.Clusters = append(out.Clusters, c)
		for _, n := range f.Nodes {
			if first, taken := owner[n.Host]; taken {
				out.Twice = append(out.Twice, n.Host+" of "+first+" and "+s.Publisher)
				continue
			}
			owner[n.Host] = s.Publisher
			out.Servers = append(out.Servers, d.serverLocked(n, c))
		}
	}
	return out
}

// orderedLocked lists the sources so that what counts first does not hang on
// the order of configuration.
func (d *Discoverer) orderedLocked() []Source {
	return slices.SortedFunc(slices.Values(d.plan.Sources), func(a, b Source) int {
		return cmp.Or(cmp.Compare(rank(a.Kind), rank(b.Kind)), cmp.Compare(a.Publisher, b.Publisher))
	})
}

func rank(k uc.NodeType) int {
	return slices.Index([]uc.NodeType{uc.UnifiedCM, uc.IMPresence, uc.UnityConnection}, k)
}

func cluster(s Source, f *Found) uc.Cluster {
	return uc.Cluster{
		Publisher: s.Publisher, Type: s.Kind, Deployment: s.Deployment, Version: f.Version, Mixed: f.Mixed,
		SIPOAuth: f.SIPOAuth, Refresh: f.Refresh, NoCodes: f.NoCodes, Domains: f.Domains, Verified: s.Verify,
	}
}

func (d *Discoverer) serverLocked(n Node, c uc.Cluster) Server {
	out := Server{Node: n, Cluster: c, Down: map[uc.NodeType]string{}}
	for _, kind := range n.Types {
		if why := d.downLocked(&n, kind); why != "" {
			out.Down[kind] = why
		}
	}
	return out
}
