// Package arch holds the rules of the house as tests: which package may
// import which, who owns each dependency, and what no package may have.
package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "sallyport"
)

// A pkg is one directory of Go files, tests left out.
type pkg struct {
	dir     string // "appliance/sip", relative to the module's root
	files   []*ast.File
	imports map[string]string // import path to one file that has it
}

// house parses every package of the module once per test run.
func house(t *testing.T) map[string]*pkg {
	t.Helper()
	fset := token.NewFileSet()
	pkgs := map[string]*pkg{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); path != root && (strings.HasPrefix(name, ".") || name == "testdata") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		p := pkgs[dir]
		if p == nil {
			p = &pkg{dir: dir, imports: map[string]string{}}
			pkgs[dir] = p
		}
		p.files = append(p.files, f)
		for _, spec := range f.Imports {
			name, _ := strconv.Unquote(spec.Path.Value)
			p.imports[name] = filepath.Base(path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(pkgs) < 20 {
		t.Fatalf("found only %d packages below %s: the walk is broken", len(pkgs), root)
	}
	return pkgs
}

// sorted gives the packages in a stable order, so that failures read alike.
func sorted(pkgs map[string]*pkg) []*pkg {
	var out []*pkg
	for _, p := range pkgs {
		out = append(out, p)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].dir < out[j].dir })
	return out
}
