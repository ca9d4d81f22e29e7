package appliance

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

const allowTests = "CollaborationEdge AllowList Test"

// allowTestAdd adds one test, or those of a CSV file.
func allowTestAdd(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	take := func(e *config.Edit) func(allow.CSVTest) error { return testRowsOf(e).add }
	return n.changeTests(args, who, "TestsAdded", take)
}

// allowTestDelete removes the tests that a command names; each must name
// exactly one.
func allowTestDelete(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	take := func(e *config.Edit) func(allow.CSVTest) error { return testRowsOf(e).remove }
	return n.changeTests(args, who, "TestsDeleted", take)
}

func (n *Node) changeTests(args xapi.Args, who config.Who, count string, take func(*config.Edit) func(allow.CSVTest) error) (*xapi.Node, error) {
	if name := args.First("URLFile"); name != "" {
		text, err := n.file(name)
		if err != nil {
			return nil, err
		}
		return upload(n, who, allow.ParseTests(text), xapi.Truth(args.First("Partial")), count, take)
	}
	t := allow.CSVTest{
		URL: n.withDomain(args.First("URL")), Expected: args.First("ExpectedResult"), Deployment: args.First("Deployment"),
		Description: args.First("Description"), Method: args.First("HttpMethod"),
	}
	_, err := n.store.Edit(who, func(e *config.Edit) error { return take(e)(t) })
	if err != nil {
		return nil, err
	}
	return added(count, 1), nil
}

// testRows are the stored tests of an edit.
type testRows struct {
	e    *config.Edit
	top  *uc.Topology
	at   map[string][]testRow // by deployment and URL
	free *freeRows
}

type testRow struct {
	index            int
	expected, method string
}

func testRowsOf(e *config.Edit) *testRows {
	snap := e.Snapshot()
	indexes := snap.Indexes(xapi.AllowListTestURL.Item)
	rows := &testRows{e: e, top: topology(snap), at: map[string][]testRow{}, free: newFreeRows(indexes)}
	for _, i := range indexes {
		t := testFrom(snap, i)
		key := rows.key(t)
		rows.at[key] = append(rows.at[key], testRow{i, t.Expected, t.Method})
	}
	return rows
}

func (rows *testRows) key(t allow.CSVTest) string {
	id, _ := rows.top.Named(t.Deployment)
	return httpproxy.Key(id) + " " + t.URL
}

func testFrom(snap *config.Snapshot, i int) allow.CSVTest {
	return allow.CSVTest{
		URL: snap.Str(xapi.AllowListTestURL, i), Expected: snap.Enum(xapi.AllowListTestExpected, i),
		Deployment: snap.Str(xapi.AllowListTestDeployment, i), Description: snap.Str(xapi.AllowListTestDescription, i),
		Method: snap.Enum(xapi.AllowListTestMethod, i),
	}
}

func (rows *testRows) add(t allow.CSVTest) error {
	if t.Expected == "" {
		return fmt.Errorf("ExpectedResult is needed: allow or block")
	}
	if _, err := t.Test(); err != nil {
		return err
	}
	deployment, err := stored(rows.top, t.Deployment, false)
	if err != nil {
		return err
	}
	t.Method = cmp.Or(t.Method, "GET")
	key := rows.key(t)
	for _, have := range rows.at[key] {
		if have.method == t.Method {
			return fmt.Errorf("%s %s is test %d already", t.Method, t.URL, have.index)
		}
	}
	i, err := rows.free.next()
	if err != nil {
		return err
	}
	rows.at[key] = append(rows.at[key], testRow{i, t.Expected, t.Method})
	return set(rows.e, fmt.Sprintf("%s %d", allowTests, i),
		[2]string{"Url", t.URL}, [2]string{"ExpectedResult", t.Expected}, [2]string{"Deployment", deployment},
		[2]string{"Description", t.Description}, [2]string{"HttpMethod", t.Method})
}

// remove deletes the one test that the words fit; what they leave open is not
// compared.
func (rows *testRows) remove(t allow.CSVTest) error {
	if _, err := stored(rows.top, t.Deployment, false); err != nil {
		return err
	}
	key := rows.key(t)
	var fit []testRow
	for _, have := range rows.at[key] {
		if (t.Expected == "" || have.expected == t.Expected) && (t.Method == "" || have.method == t.Method) {
			fit = append(fit, have)
		}
	}
	switch len(fit) {
	case 0:
		return fmt.Errorf("%s is no test", t.URL)
	case 1:
		rows.at[key] = without(rows.at[key], fit[0])
		return rows.e.DeleteTree(fmt.Sprintf("%s %d", allowTests, fit[0].index))
	}
	return fmt.Errorf("%s is in %d tests; name HttpMethod too", t.URL, len(fit))
}

// allowRulesTest puts tests to rules; either may come from a file.
func allowRulesTest(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	snap := n.store.Snapshot()
	top := n.topology(snap)
	plan, err := httpproxy.RulesFrom(snap, top)
	if err != nil {
		return nil, err
	}
	if name := args.First("Rules"); name != "" {
		if plan.Rules, err = n.rulesOf(name, top); err != nil {
			return nil, err
		}
	}
	tests, err := n.testsOf(args.First("Tests"), snap, top)
	if err != nil {
		return nil, err
	}
	if len(tests) == 0 {
		return nil, fmt.Errorf("there are no tests; add some with HTTPAllowListTestAdd or name a file of Tests")
	}
	return judge(tests, plan, top), nil
}

// rulesOf reads the rules of a file whose every line must be good.
func (n *Node) rulesOf(name string, top *uc.Topology) ([]allow.Rule, error) {
	text, err := n.file(name)
	if err != nil {
		return nil, err
	}
	file := allow.ParseRules(text)
	var rules []allow.Rule
	for _, l := range file.Lines {
		r, err := httpproxy.Rule(top, l.Value)
		if err != nil {
			file.Faults = append(file.Faults, allow.Fault{Number: l.Number, Err: err})
			continue
		}
		r.Name = fmt.Sprintf("line %d", l.Number)
		rules = append(rules, r)
	}
	return rules, file.Err()
}

// testsOf reads the tests of a file, or the stored ones.
func (n *Node) testsOf(name string, snap *config.Snapshot, top *uc.Topology) (tests []allow.CSVTest, err error) {
	if name == "" {
		for _, i := range snap.Indexes(xapi.AllowListTestURL.Item) {
			tests = append(tests, testFrom(snap, i))
		}
		return tests, nil
	}
	text, err := n.file(name)
	if err != nil {
		return nil, err
	}
	file := allow.ParseTests(text)
	for _, l := range file.Lines {
		if _, err := stored(top, l.Value.Deployment, false); err != nil {
			file.Faults = append(file.Faults, allow.Fault{Number: l.Number, Err: err})
		}
		tests = append(tests, l.Value)
	}
	return tests, file.Err()
}

// judge tells of each test what came out, and by which rule.
func judge(tests []allow.CSVTest, plan httpproxy.Plan, top *uc.Topology) *xapi.Node {
	result, list := xapi.NewNode("Result"), plan.List()
	passed := 0
	var all []*xapi.Node
	for i, t := range tests {
		e := &xapi.Node{Name: "Test", Index: i + 1}
		if judgeOne(e, t, plan, list, top) {
			passed++
		}
		all = append(all, e)
	}
	result.Int("Passed", passed).Int("Failed", len(tests)-passed)
	result.Children = append(result.Children, all...)
	return result
}

func judgeOne(e *xapi.Node, t allow.CSVTest, plan httpproxy.Plan, list *allow.List, top *uc.Topology) (passed bool) {
	id, _ := top.Named(t.Deployment)
	e.Str("Url", t.URL).Leaf("HttpMethod", cmp.Or(t.Method, "GET")).Str("Deployment", top.Name(id)).Leaf("ExpectedResult", t.Expected)
	q, err := t.Test()
	if err != nil { // a row that was typed, not added
		e.Str("Rule", err.Error()).Leaf("Outcome", "Failed")
		return false
	}
	rule, why := plan.Decide(list, q.Method, q.Target, httpproxy.Key(id), false)
	if rule != nil {
		why = rule.Type + ", " + rule.Name + ": " + rule.URL()
	}
	passed = (rule != nil) == q.Allow
	e.Leaf("Result", word(rule != nil)).Str("Rule", why).Leaf("Outcome", map[bool]string{true: "Passed", false: "Failed"}[passed])
	return passed
}

func word(allowed bool) string {
	if allowed {
		return "allow"
	}
	return "block"
}

// allowExport writes the editable rules as CSV.
func allowExport(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	snap := n.store.Snapshot()
	var rules []allow.CSVRule
	for _, i := range snap.Indexes(xapi.AllowListRuleURL.Item) {
		rules = append(rules, allow.CSVRule{
			URL: snap.Str(xapi.AllowListRuleURL, i), Deployment: snap.Str(xapi.AllowListRuleDeployment, i),
			Methods: allow.Methods(snap.Str(xapi.AllowListRuleMethods, i)), Match: snap.Enum(xapi.AllowListRuleMatchType, i),
			Description: snap.Str(xapi.AllowListRuleDescription, i),
		})
	}
	name := func(r *allow.CSVRule) *string { return &r.Deployment }
	return export(n, topology(snap), args, "allowlist.csv", "Rules", rules, name, allow.WriteRules)
}

// allowExportTest writes the tests as CSV.
func allowExportTest(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	snap := n.store.Snapshot()
	var tests []allow.CSVTest
	for _, i := range snap.Indexes(xapi.AllowListTestURL.Item) {
		tests = append(tests, testFrom(snap, i))
	}
	name := func(t *allow.CSVTest) *string { return &t.Deployment }
	return export(n, topology(snap), args, "allowlist-tests.csv", "Tests", tests, name, allow.WriteTests)
}

// export writes what belongs to the deployment that was asked for, or all. Each
// line gives its deployment's name once there are several.
func export[T any](n *Node, top *uc.Topology, args xapi.Args, file, count string, all []T, name func(*T) *string, write func(io.Writer, []T) error) (*xapi.Node, error) {
	only, known := top.Named(args.First("Deployment"))
	if !known {
		return nil, fmt.Errorf("there is no deployment %q among %s", args.First("Deployment"), deploymentNames(top))
	}
	var out []T
	for _, v := range all {
		deployment := name(&v)
		id, ok := top.Named(*deployment)
		if args.First("Deployment") != "" && (!ok || id != only) {
			continue
		}
		if len(top.Deployments()) > 1 {
			*deployment = top.Name(id)
		} else {
			*deployment = ""
		}
		out = append(out, v)
	}
	var b bytes.Buffer
	if err := write(&b, out); err != nil {
		return nil, err
	}
	file = cmp.Or(args.First("File"), file)
	if err := n.put(file, b.Bytes()); err != nil {
		return nil, err
	}
	return xapi.NewNode("Result").Str("File", file).Int(count, len(out)), nil
}
