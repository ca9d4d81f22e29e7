package uc

import (
	"slices"
	"testing"
)

func twoClusters() Facts {
	node := func(host, publisher string, down bool, types ...NodeType) Node {
		return Node{Host: host, Publisher: publisher, Types: types, Deployment: 1, Down: down, Discovered: true, Zone: "CEtcp-" + host}
	}
	return Facts{
		Deployments: []Deployment{{2, "Staging"}},
		Clusters: []Cluster{
			{Publisher: "staging.example.com", Type: UnifiedCM, Deployment: 2},
			{Publisher: "Pub.Example.com", Type: UnifiedCM, Deployment: 1, Mixed: true},
			{Publisher: "imp.example.com", Type: IMPresence, Deployment: 1},
		},
		Nodes: []Node{
			node("sub.example.com", "pub.example.com", true, UnifiedCM, TFTP),
			node("pub.example.com", "PUB.example.com", false, UnifiedCM),
			node("pub.example.com", "pub.example.com", false, UnifiedCM), // again, for another zone
			node("imp.example.com", "imp.example.com", false, IMPresence),
		},
	}
}

func hosts(all []Node) (out []string) {
	for _, n := range all {
		out = append(out, n.Host)
	}
	return out
}

func TestClusters(t *testing.T) {
	top, err := New(twoClusters())
	if err != nil {
		t.Fatal(err)
	}
	if c, ok := top.Cluster("pub.EXAMPLE.com."); !ok || !c.Mixed {
		t.Errorf("cluster: %+v, %v", c, ok)
	}
	if _, ok := top.Cluster("sub.example.com"); ok {
		t.Error("a subscriber is taken for a publisher")
	}
	if all, mine := top.Clusters(0), top.Clusters(2); len(all) != 3 || len(mine) != 1 || mine[0].Publisher != "staging.example.com" {
		t.Errorf("clusters: %+v, of 2: %+v", all, mine)
	}
	if got, want := hosts(top.NodesOf("pub.example.com")), []string{"pub.example.com", "sub.example.com"}; !slices.Equal(got, want) {
		t.Errorf("nodes of the cluster: %v, want %v", got, want)
	}
	if n, ok := top.Node("SUB.example.com"); !ok || n.Up() || !n.Is(TFTP) || n.Is(IMPresence) {
		t.Errorf("node: %+v, %v", n, ok)
	}
}

func TestClientsAreNotSentToANodeThatIsDown(t *testing.T) {
	f := twoClusters()
	top, _ := New(f)
	if got, want := hosts(top.Serving(1, UnifiedCM)), []string{"pub.example.com"}; !slices.Equal(got, want) {
		t.Errorf("one is down: %v, want %v", got, want)
	}
	if got := top.Serving(2, UnifiedCM); len(got) > 0 {
		t.Errorf("another deployment has %v", got)
	}
	for i := range f.Nodes {
		f.Nodes[i].Down = true
	}
	top, _ = New(f)
	if got, want := hosts(top.Serving(1, UnifiedCM)), []string{"sub.example.com", "pub.example.com"}; !slices.Equal(got, want) {
		t.Errorf("all are down: %v, want %v", got, want)
	}
}

func TestClusterFaults(t *testing.T) {
	f := twoClusters()
	f.Clusters = append(f.Clusters, Cluster{Publisher: "pub.example.com", Type: UnifiedCM, Deployment: 1})
	if _, err := New(f); err == nil || err.Error() != "publisher pub.example.com is there twice" {
		t.Errorf("twice: %v", err)
	}
	f = twoClusters()
	f.Clusters[0].Deployment = 9
	if _, err := New(f); err == nil || err.Error() != "publisher staging.example.com is in deployment 9, which does not exist" {
		t.Errorf("nowhere: %v", err)
	}
}
