package xapi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func paths() []string {
	var out []string
	for _, it := range Items() {
		out = append(out, it.Path)
	}
	return out
}

func TestItemsAreSortedAndUnique(t *testing.T) {
	all := paths()
	if !slices.IsSorted(all) {
		t.Error("items are not sorted by path")
	}
	keys := map[string]string{}
	for _, it := range Items() {
		key := it.Key(make([]int, it.Indexes())...)
		if other, taken := keys[key]; taken {
			t.Errorf("%s and %s share the storage key %s", it.Path, other, key)
		}
		keys[key] = it.Path
	}
}

func TestEveryItemIsWhole(t *testing.T) {
	for _, it := range Items() {
		sentence(t, it.Path, it.Help)
		if it.Guide == "" || it.Role == 0 {
			t.Errorf("%s lacks its guide or role", it.Path)
		}
		if len(it.Lacks) > 0 && it.Differs == "" {
			t.Errorf("%s refuses %v without saying why", it.Path, it.Lacks)
		}
		if it.Indexes() > 2 {
			t.Errorf("%s has more than two index levels", it.Path)
		}
		if it.Default != "" || it.Kind == Integer {
			got, err := it.Parse(it.Default)
			if err != nil || got != it.Default {
				t.Errorf("default of %s: %q reads as %q, %v", it.Path, it.Default, got, err)
			}
		}
		enumerated := it.Kind == Enumeration || it.Kind == Set
		if enumerated != (len(it.Values) > 0) || !enumerated && it.Max == 0 {
			t.Errorf("%s: kind and value space do not fit", it.Path)
		}
	}
}

// sentence wants help to be one sentence: a capital, one full stop at its end.
func sentence(t *testing.T, where, help string) {
	t.Helper()
	ok := regexp.MustCompile(`^[A-Za-z].*[^.]\.$`).MatchString(help)
	if !ok || strings.Contains(help, ". ") {
		t.Errorf("%s: help is not one sentence: %q", where, help)
	}
}

// TestHandlesFitTheirKind holds each declared handle against its row, and wants
// every one to be in Items.
func TestHandlesFitTheirKind(t *testing.T) {
	declared := declaredRows(t)
	want := map[string]string{}
	for _, it := range Items() {
		want[it.Path] = ""
	}
	for path, typ := range declared["item"] {
		if _, listed := want[path]; !listed {
			t.Errorf("%s is declared but not listed in Items", path)
		}
		delete(want, path)
		place := slices.IndexFunc(Items(), func(it *Item) bool { return it.Path == path })
		if place >= 0 && !fits(typ, Items()[place]) {
			t.Errorf("%s is declared as %s, which does not fit its kind", path, typ)
		}
	}
	for path := range want {
		t.Errorf("%s is listed in Items but has no handle", path)
	}
	if n := len(declared["Command"]); n != len(Commands()) {
		t.Errorf("%d commands are declared, %d listed", n, len(Commands()))
	}
	if n := len(declared["Alarm"]); n != len(Alarms()) {
		t.Errorf("%d alarms are declared, %d listed", n, len(Alarms()))
	}
}

func fits(typ string, it *Item) bool {
	switch typ {
	case "Int":
		return it.Kind == Integer
	case "Enum":
		return it.Kind == Enumeration
	case "Bool":
		return it.Kind == Enumeration && len(it.Values) == 2 && Truth(it.Values[0]) != Truth(it.Values[1])
	case "Secret":
		return it.Kind.Secret()
	}
	return !it.Kind.Secret() && it.Kind != Integer && it.Kind != Enumeration
}

// declaredRows reads this folder's source: path to handle type for items, name
// to "" for commands and alarms.
func declaredRows(t *testing.T) map[string]map[string]string {
	t.Helper()
	out := map[string]map[string]string{"item": {}, "Command": {}, "Alarm": {}}
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, spec := range gen.Specs {
				vs := spec.(*ast.ValueSpec)
				for i, v := range vs.Values {
					declaredRow(out, vs.Names[i].Name, v)
				}
			}
		}
	}
	return out
}

func declaredRow(out map[string]map[string]string, name string, v ast.Expr) {
	if u, ok := v.(*ast.UnaryExpr); ok {
		if lit, ok := u.X.(*ast.CompositeLit); ok {
			if kind := lit.Type.(*ast.Ident).Name; out[kind] != nil {
				out[kind][name] = ""
			}
		}
		return
	}
	lit, ok := v.(*ast.CompositeLit)
	if !ok || len(lit.Elts) != 1 {
		return
	}
	row, ok := lit.Elts[0].(*ast.UnaryExpr)
	if !ok {
		return
	}
	for _, e := range row.X.(*ast.CompositeLit).Elts {
		kv := e.(*ast.KeyValueExpr)
		if kv.Key.(*ast.Ident).Name == "Path" {
			path, _ := strconv.Unquote(kv.Value.(*ast.BasicLit).Value)
			out["item"][path] = lit.Type.(*ast.Ident).Name
		}
	}
}

func TestCommandsAreWhole(t *testing.T) {
	var names []string
	for _, c := range Commands() {
		names = append(names, c.Name)
		sentence(t, c.Name, c.Help)
		if c.Name != strings.ReplaceAll(c.Spaced, " ", "") || c.Role == 0 || c.Guide == "" {
			t.Errorf("%s: name, role or guide is not whole", c.Name)
		}
		for _, p := range c.Params {
			sentence(t, c.Name+" "+p.Name, p.Help)
		}
		for _, one := range c.OneOf {
			if _, err := c.Param(one); err != nil {
				t.Error(err)
			}
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("commands are not sorted and unique")
	}
}

func TestStatusesAreWhole(t *testing.T) {
	last := ""
	for _, s := range Statuses() {
		sentence(t, s.Path, s.Help)
		Segments(s.Path)
		if s.Path <= last || s.Role == 0 {
			t.Errorf("%s: not sorted, not unique, or without role", s.Path)
		}
		last = s.Path
	}
	if got := StatusElements(Core); !slices.Contains(got, "CollaborationEdge") || !slices.Contains(got, "Registrations") {
		t.Errorf("status elements of core: %v", got)
	}
}

func TestAlarmsAreWhole(t *testing.T) {
	theirs := facts(t, "alarms.tsv")
	last := 0
	for _, a := range Alarms() {
		sentence(t, a.Title, a.Cause)
		sentence(t, a.Title, a.Remedy)
		if a.ID <= last || a.Role == 0 || a.Rank() < 0 {
			t.Errorf("alarm %d: not sorted, not unique, without role or severity", a.ID)
		}
		last = a.ID
		fact, known := theirs[strconv.Itoa(a.ID)]
		if known == a.New() {
			t.Errorf("alarm %d: known to the replaced product: %v, yet new: %v", a.ID, known, a.New())
		}
		if known && (fact[0] != a.Title || fact[1] != a.Severity) {
			t.Errorf("alarm %d is %q %s there, %q %s here", a.ID, fact[0], fact[1], a.Title, a.Severity)
		}
	}
}

// facts reads a table of testdata: first column to the rest.
func facts(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := append(strings.Split(strings.TrimRight(line, "\n"), "\t"), "", "")
		if out[cells[0]] == nil {
			out[cells[0]] = cells[1:]
		}
	}
	return out
}

// open makes paths of both products comparable: index ranges that the replaced
// product does not print, or prints by mistake, are left open.
func open(path string) string {
	path = strings.Replace(path, "Zones Zone 1 ", "Zones Zone [1..1000] ", 1)
	return regexp.MustCompile(`\[1\.\.(n|\d+)\]|<index>`).ReplaceAllString(path, "[]")
}

// TestSpellingIsTheirs holds every item against the replaced product's: it has
// the same spelling, space and default, or says that it is new or differs.
func TestSpellingIsTheirs(t *testing.T) {
	theirs := map[string][]string{}
	for path, cells := range facts(t, "items.tsv") {
		theirs[open(path)] = append([]string{path}, cells...)
	}
	for _, it := range Items() {
		fact, known := theirs[open(it.Path)]
		if known == it.New {
			t.Errorf("%s: known to the replaced product: %v, yet new: %v", it.Path, known, it.New)
		}
		if !known || it.Differs != "" {
			continue
		}
		if fact[0] != it.Path {
			t.Errorf("%s is spelled %s there", it.Path, fact[0])
		}
		if got, want := plainSpace(it.Space()), plainSpace(fact[1]); got != want {
			t.Errorf("%s is %s there, %s here", it.Path, fact[1], it.Space())
		}
		want, _, _ := strings.Cut(fact[2], " ")
		if want != "" && !strings.EqualFold(it.Default, want) {
			t.Errorf("%s defaults to %q there, %q here", it.Path, want, it.Default)
		}
	}
}

// plainSpace takes out how the guide happens to punctuate a value space.
func plainSpace(space string) string {
	space = strings.NewReplacer(" ", "", "..", ",", "S:,", "S:").Replace(space)
	if space == "<String>" {
		return "<S:0,128>"
	}
	return space
}

// TestEveryPathOfTheirsIsKnown wants each path and command of the replaced
// product to be here or to be absent for a reason, and nothing to be both.
func TestEveryPathOfTheirsIsKnown(t *testing.T) {
	have, absent := map[string]bool{}, map[string]bool{}
	for _, p := range paths() {
		have[open(p)] = true
	}
	for _, c := range Commands() {
		have["xCommand "+strings.ToLower(c.Name)] = true
	}
	for _, a := range Absents() {
		key := open(a.Path)
		if a.Command {
			key = "xCommand " + strings.ToLower(strings.ReplaceAll(a.Path, " ", ""))
		}
		if absent[key] || have[key] || a.Why == "" {
			t.Errorf("%s is listed twice, or is here, or lacks its reason", a.Path)
		}
		absent[key] = true
	}
	theirs := map[string]bool{}
	for path := range facts(t, "items.tsv") {
		theirs[open(path)] = true
	}
	for name := range facts(t, "commands.tsv") {
		theirs["xCommand "+strings.ToLower(strings.ReplaceAll(name, " ", ""))] = true
	}
	for key := range theirs {
		if !have[key] && !absent[key] {
			t.Errorf("%s is neither here nor known to be absent", key)
		}
	}
	for key := range absent {
		if !theirs[key] {
			t.Errorf("%s is listed as absent, but is none of theirs", key)
		}
	}
}

// TestParametersAreTheirs holds the parameters of commands against the replaced
// product's.
func TestParametersAreTheirs(t *testing.T) {
	theirs := map[string]string{}
	for name, cells := range facts(t, "commands.tsv") {
		theirs[name] = cells[0]
	}
	for _, c := range Commands() {
		params, known := theirs[c.Spaced]
		if known == c.New {
			t.Errorf("%s: known to the replaced product: %v, yet new: %v", c.Spaced, known, c.New)
		}
		if !known {
			continue
		}
		ours, added := map[string]bool{}, map[string]bool{}
		for _, p := range c.Params {
			if added[p.Name] = p.New; !p.New {
				ours[p.Name] = true
			}
		}
		for _, l := range c.Lacks {
			ours[l] = true
		}
		for _, p := range strings.Split(params, " ; ") {
			name, _, _ := strings.Cut(p, ":")
			name = strings.TrimSuffix(strings.TrimSpace(name), "(r)")
			if name != "" && !ours[name] {
				t.Errorf("%s lacks parameter %s", c.Spaced, name)
			}
			if added[name] {
				t.Errorf("%s: parameter %s is theirs, yet new", c.Spaced, name)
			}
			delete(ours, name)
		}
		if len(ours) > 0 {
			t.Errorf("%s has parameters that are not theirs: %v", c.Spaced, slices.Collect(maps.Keys(ours)))
		}
	}
}

func TestListsAreFresh(t *testing.T) {
	a, b := Items(), Items()
	a[0] = nil
	if b[0] == nil || Items()[0] == nil || reflect.ValueOf(a).Pointer() == reflect.ValueOf(b).Pointer() {
		t.Error("Items hands out a shared slice")
	}
}
