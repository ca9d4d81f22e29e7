package appliance

import (
	"context"
	"fmt"
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

const allowRules = "CollaborationEdge AllowList Rule"

// maxAllowRules is how many rules the table has room for.
const maxAllowRules = 2000

// allowRuleAdd adds one rule, or all of a CSV file: nothing is applied unless
// every line is good.
func allowRuleAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	rules, err := n.namedRules(args)
	if err != nil {
		return nil, err
	}
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		for _, r := range rules {
			if err := addRule(e, r); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added("RulesAdded", len(rules)), nil
}

// namedRules are the rules that a command speaks of.
func (n *Node) namedRules(args xapi.Args) ([]allow.CSVRule, error) {
	if file := one(args, "URLFile"); file != "" {
		text, err := n.file(file)
		if err != nil {
			return nil, err
		}
		return allow.ParseRules(text)
	}
	snap := n.store.Snapshot()
	rule := allow.CSVRule{
		URL: withDomain(one(args, "URL"), snap.Str(xapi.IPDNSDomainName)), Deployment: one(args, "Deployment"),
		Methods: allow.Methods(strings.Join(args["HttpMethods"], ",")),
		Match:   one(args, "MatchType"), Description: one(args, "Description"),
	}
	if _, err := rule.Rule(); err != nil {
		return nil, err
	}
	return []allow.CSVRule{rule}, nil
}

// withDomain gives a host without a domain the node's own.
func withDomain(url, domain string) string {
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

func addRule(e *config.Edit, r allow.CSVRule) error {
	if at := sameRules(e.Snapshot(), r); len(at) > 0 {
		return fmt.Errorf("%s is rule %d already", r.URL, at[0])
	}
	i, err := free(e.Snapshot(), xapi.AllowListRuleURL.Item, maxAllowRules)
	if err != nil {
		return err
	}
	match := "exact"
	if m, _ := allow.ParseMatch(r.Match); m == allow.Prefix {
		match = "prefix"
	}
	return set(e, fmt.Sprintf("%s %d", allowRules, i),
		[2]string{"Url", r.URL}, [2]string{"Deployment", r.Deployment}, [2]string{"HttpMethods", strings.Join(r.Methods, ",")},
		[2]string{"MatchType", match}, [2]string{"Description", r.Description})
}

// allowRuleDelete removes the rules that a command names; each must name
// exactly one.
func allowRuleDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	rules, err := n.namedRules(args)
	if err != nil {
		return nil, err
	}
	anyMatch := one(args, "URLFile") == "" && one(args, "MatchType") == ""
	_, err = n.store.Edit(who, func(e *config.Edit) error {
		for _, r := range rules {
			if anyMatch {
				r.Match = "any"
			}
			at := sameRules(e.Snapshot(), r)
			switch len(at) {
			case 0:
				return fmt.Errorf("%s is not in the allow list", r.URL)
			case 1:
				if err := e.DeleteTree(fmt.Sprintf("%s %d", allowRules, at[0])); err != nil {
					return err
				}
			default:
				return fmt.Errorf("%s is in rules %v; name MatchType, HttpMethods or Deployment too", r.URL, at)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return added("RulesDeleted", len(rules)), nil
}

// sameRules are the numbers of the rules that r describes; what r leaves open
// is not compared.
func sameRules(snap *config.Snapshot, r allow.CSVRule) (at []int) {
	want, err := r.Rule()
	if r.Match == "any" {
		want, err = allow.ParseURL(r.URL)
	}
	if err != nil {
		return nil
	}
	for _, i := range snap.Indexes(xapi.AllowListRuleURL.Item) {
		have, err := allow.ParseURL(snap.Str(xapi.AllowListRuleURL, i))
		if err != nil || have.URL() != want.URL() || !strings.EqualFold(snap.Str(xapi.AllowListRuleDeployment, i), r.Deployment) {
			continue
		}
		if r.Match != "any" && snap.Enum(xapi.AllowListRuleMatchType, i) != want.Match.String() {
			continue
		}
		if methods := snap.Str(xapi.AllowListRuleMethods, i); len(r.Methods) > 0 && methods != strings.Join(r.Methods, ",") {
			continue
		}
		at = append(at, i)
	}
	return at
}
