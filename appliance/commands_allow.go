package appliance

import (
	"context"
	"fmt"
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

const allowRules = "CollaborationEdge AllowList Rule"

// maxAllowRows is how many rules, and how many tests, the table has room for.
const maxAllowRows = 10_000

// allowRuleAdd adds one rule, or those of a CSV file.
func allowRuleAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	take := func(e *config.Edit) func(allow.CSVRule) error {
		rows := ruleRowsOf(e, n.topology(e.Snapshot())) // discovered nodes, too, belong to one deployment
		return func(r allow.CSVRule) error { return rows.add(r, args.First("Authorization")) }
	}
	if name := args.First("URLFile"); name != "" {
		text, err := n.file(name)
		if err != nil {
			return nil, err
		}
		return upload(n, who, allow.ParseRules(text), xapi.Truth(args.First("Partial")), "RulesAdded", take)
	}
	_, err := n.store.Edit(who, func(e *config.Edit) error { return take(e)(n.typedRule(args)) })
	if err != nil {
		return nil, err
	}
	return added("RulesAdded", 1), nil
}

// allowRuleDelete removes the rules that a command names; each must name
// exactly one.
func allowRuleDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	if name := args.First("URLFile"); name != "" {
		text, err := n.file(name)
		if err != nil {
			return nil, err
		}
		return upload(n, who, allow.ParseRules(text), false, "RulesDeleted", func(e *config.Edit) func(allow.CSVRule) error {
			return ruleRowsOf(e, topology(e.Snapshot())).remove
		})
	}
	_, err := n.store.Edit(who, func(e *config.Edit) error { return ruleRowsOf(e, topology(e.Snapshot())).remove(n.typedRule(args)) })
	if err != nil {
		return nil, err
	}
	return added("RulesDeleted", 1), nil
}

// typedRule is the rule that a command line speaks of, with what it leaves
// open left open.
func (n *Node) typedRule(args xapi.Args) allow.CSVRule {
	return allow.CSVRule{
		URL: n.withDomain(args.First("URL")), Deployment: args.First("Deployment"),
		Methods: allow.Methods(strings.Join(args["HttpMethods"], ",")),
		Match:   args.First("MatchType"), Description: args.First("Description"),
	}
}

// withDomain gives a host without a domain the node's own.
func (n *Node) withDomain(url string) string {
	domain := n.store.Snapshot().Str(xapi.IPDNSDomainName)
	scheme, rest, ok := strings.Cut(url, "://")
	if !ok || domain == "" {
		return url
	}
	end := strings.IndexAny(rest, ":/")
	if end < 0 {
		end = len(rest)
	}
	if host := rest[:end]; host == "" || strings.ContainsAny(host, ".[") || host == "localhost" {
		return url
	}
	return scheme + "://" + rest[:end] + "." + domain + rest[end:]
}

// ruleRows are the editable rules of an edit, found by what they let through.
type ruleRows struct {
	e    *config.Edit
	top  *uc.Topology
	at   map[string][]ruleRow // by deployment and URL
	free *freeRows
}

type ruleRow struct {
	index          int
	match, methods string
}

func ruleRowsOf(e *config.Edit, top *uc.Topology) *ruleRows {
	snap := e.Snapshot()
	indexes := snap.Indexes(xapi.AllowListRuleURL.Item)
	rows := &ruleRows{e: e, top: top, at: map[string][]ruleRow{}, free: newFreeRows(indexes)}
	for _, i := range indexes {
		r, err := allow.ParseURL(snap.Str(xapi.AllowListRuleURL, i))
		id, ok := rows.top.Named(snap.Str(xapi.AllowListRuleDeployment, i))
		if err == nil && ok {
			key := httpproxy.Key(id) + " " + r.URL()
			rows.at[key] = append(rows.at[key], ruleRow{i, snap.Enum(xapi.AllowListRuleMatchType, i), snap.Str(xapi.AllowListRuleMethods, i)})
		}
	}
	return rows
}

func (rows *ruleRows) add(words allow.CSVRule, authorization string) error {
	deployment, err := stored(rows.top, words.Deployment, true)
	if err != nil {
		return err
	}
	r, err := httpproxy.Rule(rows.top, words)
	if err != nil {
		return err
	}
	for _, have := range rows.find(r) {
		if have.match == r.Match.String() && (len(words.Methods) == 0 || have.methods == strings.Join(words.Methods, ",")) {
			return fmt.Errorf("%s is rule %d already", words.URL, have.index)
		}
	}
	i, err := rows.free.next()
	if err != nil {
		return err
	}
	methods := strings.Join(words.Methods, ",")
	key := r.Deployment + " " + r.URL()
	rows.at[key] = append(rows.at[key], ruleRow{i, r.Match.String(), methods})
	return set(rows.e, fmt.Sprintf("%s %d", allowRules, i),
		[2]string{"Url", words.URL}, [2]string{"Deployment", deployment}, [2]string{"HttpMethods", methods},
		[2]string{"MatchType", r.Match.String()}, [2]string{"Description", words.Description},
		[2]string{"Authorization", authorization})
}

func (rows *ruleRows) find(r allow.Rule) []ruleRow { return rows.at[r.Deployment+" "+r.URL()] }

// remove deletes the one rule that the words fit; what they leave open is not
// compared.
func (rows *ruleRows) remove(words allow.CSVRule) error {
	r, err := httpproxy.Rule(rows.top, words)
	if err != nil {
		return err
	}
	var fit []ruleRow
	for _, have := range rows.find(r) {
		match := words.Match == "" || have.match == r.Match.String()
		if match && (len(words.Methods) == 0 || have.methods == strings.Join(words.Methods, ",")) {
			fit = append(fit, have)
		}
	}
	switch len(fit) {
	case 0:
		return fmt.Errorf("%s is not in the allow list", words.URL)
	case 1:
		key := r.Deployment + " " + r.URL()
		rows.at[key] = without(rows.at[key], fit[0])
		return rows.e.DeleteTree(fmt.Sprintf("%s %d", allowRules, fit[0].index))
	}
	return fmt.Errorf("%s is in %d rules; name MatchType, HttpMethods or Deployment too", words.URL, len(fit))
}

func without[T comparable](all []T, one T) (out []T) {
	for _, v := range all {
		if v != one {
			out = append(out, v)
		}
	}
	return out
}

// stored is how a row names the deployment of a rule or test: the default one
// by nothing, so that it can be renamed. A rule must say where it belongs once
// there is a choice.
func stored(top *uc.Topology, name string, needed bool) (string, error) {
	id, ok := top.Named(name)
	switch {
	case !ok:
		return "", fmt.Errorf("there is no deployment %q among %s", name, deploymentNames(top))
	case name == "" && needed && len(top.Deployments()) > 1:
		return "", fmt.Errorf("name the Deployment: %s", deploymentNames(top))
	case id == uc.DefaultDeployment:
		return "", nil
	}
	return top.Name(id), nil
}

func deploymentNames(top *uc.Topology) string {
	var names []string
	for _, d := range top.Deployments() {
		names = append(names, d.Name)
	}
	return strings.Join(names, ", ")
}

// freeRows hands out the numbers that no row of a list has.
type freeRows struct {
	taken map[int]bool
	last  int
}

func newFreeRows(taken []int) *freeRows {
	f := &freeRows{taken: map[int]bool{}}
	for _, i := range taken {
		f.taken[i] = true
	}
	return f
}

func (f *freeRows) next() (int, error) {
	for f.last++; f.last <= maxAllowRows; f.last++ {
		if !f.taken[f.last] {
			return f.last, nil
		}
	}
	return 0, fmt.Errorf("all %d entries are in use", maxAllowRows)
}
