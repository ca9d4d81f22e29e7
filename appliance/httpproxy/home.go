package httpproxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sallyport/appliance/uc"
)

// home is where a user lives.
type home struct {
	user  string    // as the cluster spells it
	nodes []uc.Node // of the home cluster, the best one first
	known bool      // false: nobody knows the user, and nodes are anybody's
}

// cluster is some Unified CM nodes that share their users.
type cluster struct {
	all []uc.Node
	up  []uc.Node // those that answer, or all where none does
}

// clusters groups the Unified CM nodes of a deployment: by publisher where
// discovery told it, else by the zone that they share.
func (s *Server) clusters(top *uc.Topology, deployment int) (out []cluster) {
	at := map[string]int{}
	for _, n := range ofType(top, deployment, uc.UnifiedCM) {
		group := "zone " + n.Zone
		if n.Publisher != "" {
			group = "publisher " + n.Publisher
		}
		i, known := at[group]
		if !known {
			i = len(out)
			at[group] = i
			out = append(out, cluster{})
		}
		out[i].all = append(out[i].all, n)
	}
	for i := range out {
		out[i].up = s.ailing.answering(out[i].all)
	}
	return out
}

// ofType lists the nodes of a deployment that something runs on, each host
// once. A host that is both in a zone and discovered has what either says.
func ofType(top *uc.Topology, deployment int, kind uc.NodeType) (out []uc.Node) {
	at := map[string]int{}
	for _, n := range top.Nodes() {
		if n.Deployment != deployment {
			continue
		}
		i, known := at[n.Host]
		if !known {
			i = len(out)
			at[n.Host] = i
			out = append(out, n)
			continue
		}
		out[i].Types = slices.Concat(out[i].Types, n.Types)
		out[i].Down = out[i].Down || n.Down
		out[i].Publisher = cmp.Or(out[i].Publisher, n.Publisher)
	}
	return slices.DeleteFunc(out, func(n uc.Node) bool { return !n.Is(kind) })
}

// findHome asks the clusters of a deployment in turn for a user. Clusters that
// know each other (ILS) answer for one another; else the next is asked. The
// error is errDown where a cluster that may know the user could not be asked.
func (s *Server) findHome(ctx context.Context, top *uc.Topology, deployment int, user string) (home, error) {
	all := s.clusters(top, deployment)
	if len(all) == 0 {
		return home{}, fmt.Errorf("%w: the deployment has no Unified CM node", errDown)
	}
	var errs []error
	for _, c := range all {
		h, found, err := s.askCluster(ctx, top, all, c.up, user)
		if err != nil {
			errs = append(errs, err)
		}
		if found {
			return h, nil
		}
	}
	return home{user: user, nodes: all[0].up}, errors.Join(errs...)
}

// askCluster asks one cluster where a user lives.
func (s *Server) askCluster(ctx context.Context, top *uc.Topology, all []cluster, nodes []uc.Node, user string) (h home, found bool, err error) {
	for _, criterion := range criteria(user) {
		a, at, err := s.askAny(ctx, nodes, "/cucm-uds/clusterUser?"+criterion+"="+url.QueryEscape(user), "")
		if err != nil {
			return home{}, false, err
		}
		if a.status != http.StatusOK {
			continue
		}
		c, err := parseClusterUser(a.body)
		if err != nil {
			return home{}, false, fmt.Errorf("%w: %s: %w", errDown, at.Host, err)
		}
		if !c.Result.Found {
			continue
		}
		h = home{user: c.id(), nodes: nodes, known: true}
		if h.user == "" {
			h.user = user
		}
		if c.Home == "" {
			return h, true, nil
		}
		if h.nodes = ownerOfHost(all, c.Home); h.nodes == nil {
			return home{}, false, fmt.Errorf("%w: %s names %s as home cluster of %s, which is no node of deployment %q",
				errDown, at.Host, c.Home, user, top.Name(at.Deployment))
		}
		return h, true, nil
	}
	return home{}, false, nil
}

// criteria are by what a user may be looked up.
func criteria(user string) []string {
	if strings.Contains(user, "@") {
		return []string{"email", "username"}
	}
	return []string{"username"}
}

// ownerOfHost lists the nodes of the cluster with a node of a name, that node
// first if it answers. Servers may be listed by their short names.
func ownerOfHost(all []cluster, host string) []uc.Node {
	host = uc.Canonical(host)
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, sameShort} {
		named := func(n uc.Node) bool { return same(n.Host, host) }
		for _, c := range all {
			if !slices.ContainsFunc(c.all, named) {
				continue
			}
			i := max(0, slices.IndexFunc(c.up, named))
			return slices.Concat(c.up[i:i+1], c.up[:i], c.up[i+1:])
		}
	}
	return nil
}

// sameShort tells whether a full name and a short one can mean one host.
func sameShort(a, b string) bool {
	if address(a) || address(b) {
		return false
	}
	firstA, restA, _ := strings.Cut(a, ".")
	firstB, restB, _ := strings.Cut(b, ".")
	return firstA == firstB && (restA == "" || restB == "")
}

func address(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
