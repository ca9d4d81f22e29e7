package uc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func twoWorlds() Facts {
	return Facts{
		Deployments: []Deployment{{2, "Staging"}},
		Domains:     []Domain{{"Example.COM", 1}, {"staging.example.com", 2}},
		Nodes: []Node{
			{Host: "10.0.0.20", Zone: "Call control", Types: []NodeType{UnifiedCM, TFTP}, Deployment: 1},
			{Host: "Ucm.Staging.example.com.", Zone: "Staging", Types: []NodeType{UnifiedCM}, Deployment: 2},
		},
	}
}

func TestLookUps(t *testing.T) {
	top, err := New(twoWorlds())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		find   func(string) (int, bool)
		text   string
		want   int
		wantOK bool
	}{
		{"domain", top.OfDomain, "EXAMPLE.com", 1, true},
		{"domain", top.OfDomain, "staging.example.com.", 2, true},
		{"domain", top.OfDomain, "sub.example.com", 0, false},
		{"host", top.OfHost, "10.0.0.20", 1, true},
		{"host", top.OfHost, "::ffff:10.0.0.20", 1, true},
		{"host", top.OfHost, "ucm.staging.example.com", 2, true},
		{"host", top.OfHost, "10.0.0.21", 0, false},
		{"zone", top.OfZone, "call CONTROL", 1, true},
		{"zone", top.OfZone, "", 0, false},
		{"name", top.Named, "", 1, true},
		{"name", top.Named, "default deployment", 1, true},
		{"name", top.Named, "STAGING", 2, true},
		{"name", top.Named, "live", 0, false},
	} {
		if got, ok := c.find(c.text); got != c.want || ok != c.wantOK {
			t.Errorf("%s %q is in %d, %v; want %d, %v", c.what, c.text, got, ok, c.want, c.wantOK)
		}
	}
	if got := top.Domains(2); !slices.Equal(got, []string{"staging.example.com"}) {
		t.Errorf("domains of 2: %v", got)
	}
	if top.Name(7) != "Deployment 7" || top.Name(1) != DefaultName || len(top.Nodes()) != 2 {
		t.Error("names or nodes are wrong")
	}
}

func TestDefaultDeploymentIsAlwaysThere(t *testing.T) {
	for _, f := range []Facts{{}, {Deployments: []Deployment{{5, "Five"}}}, {Deployments: []Deployment{{1, "Main"}}}} {
		top, err := New(f)
		if err != nil || !top.Exists(DefaultDeployment) || top.Deployments()[0].ID != DefaultDeployment {
			t.Errorf("%+v: %+v, %v", f, top.Deployments(), err)
		}
	}
	top, _ := New(Facts{Deployments: []Deployment{{1, "Main"}}})
	if id, ok := top.Named("main"); !ok || id != 1 || top.Name(1) != "Main" {
		t.Error("a renamed default deployment is not found by its name")
	}
}

func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Facts)
		want   string
	}{
		"two of one number": {func(f *Facts) { f.Deployments = append(f.Deployments, Deployment{2, "Lab"}) }, `deployments "Staging" and "Lab" both have the number 2`},
		"two of one name":   {func(f *Facts) { f.Deployments = append(f.Deployments, Deployment{3, "staging"}) }, `deployments 2 and 3 are both called "staging"`},
		"the default's name": {func(f *Facts) { f.Deployments = append(f.Deployments, Deployment{3, "Default Deployment"}) },
			`deployments 1 and 3 are both called "Default Deployment"`},
		"domain in two":     {func(f *Facts) { f.Domains = append(f.Domains, Domain{"EXAMPLE.com", 2}) }, "domain example.com is in two deployments, Default deployment and Staging; it can be in one only"},
		"domain in none":    {func(f *Facts) { f.Domains[0].Deployment = 9 }, "domain example.com is in deployment 9, which does not exist"},
		"node in two":       {func(f *Facts) { f.Nodes[1].Host = "10.0.0.20" }, "node 10.0.0.20 is in two deployments, Default deployment and Staging; it can be in one only"},
		"node in none":      {func(f *Facts) { f.Nodes[0].Deployment = 9 }, "node 10.0.0.20 is in deployment 9, which does not exist"},
		"same domain twice": {func(f *Facts) { f.Domains = append(f.Domains, f.Domains[0]) }, ""},
		"same node twice":   {func(f *Facts) { f.Nodes = append(f.Nodes, f.Nodes[0]) }, ""},
	} {
		f := twoWorlds()
		c.change(&f)
		_, err := New(f)
		if got := strings.TrimPrefix(fmt.Sprint(err), "<nil>"); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestWhatBelongsNowhereIsServedToNobody(t *testing.T) {
	f := twoWorlds()
	f.Domains[1].Deployment, f.Nodes[1].Deployment = 9, 9
	top, _ := New(f)
	if _, ok := top.OfDomain("staging.example.com"); ok {
		t.Error("a domain of no deployment is served")
	}
	if id, ok := top.OfZone("Staging"); !ok || id != 9 {
		t.Error("a node of no deployment became one of another")
	}
}

func TestAdviceAboveTen(t *testing.T) {
	var f Facts
	for id := 2; id <= 10; id++ {
		f.Deployments = append(f.Deployments, Deployment{ID: id})
	}
	if top, err := New(f); err != nil || top.Advice() != "" {
		t.Errorf("ten: %v", err)
	}
	f.Deployments = append(f.Deployments, Deployment{ID: 11})
	if top, err := New(f); err != nil || top.Advice() == "" {
		t.Errorf("eleven: %v", err)
	}
}
