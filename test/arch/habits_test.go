package arch

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// product tells whether two nodes must be able to live in one process with
// this package: test worlds and tools may do as they like.
func product(dir string) bool {
	return strings.HasPrefix(dir, "appliance") || strings.HasPrefix(dir, "board") || strings.HasPrefix(dir, "rootfs")
}

func TestPackageComments(t *testing.T) {
	for _, p := range sorted(house(t)) {
		documented := false
		for _, f := range p.files {
			documented = documented || f.Doc != nil
		}
		if !documented {
			t.Errorf("%s has no package comment", p.dir)
		}
	}
}

func TestNoInit(t *testing.T) {
	for _, p := range sorted(house(t)) {
		for _, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
					t.Errorf("%s has an init function", p.dir)
				}
			}
		}
	}
}

// TestNoMutablePackageVariables lets a package variable stand only if nothing
// in its package assigns to it, to an element or a field of it, and its type
// is not made to be changed (mutexes, channels, atomics, pools).
func TestNoMutablePackageVariables(t *testing.T) {
	for _, p := range sorted(house(t)) {
		if !product(p.dir) {
			continue
		}
		vars := packageVars(p)
		for name, spec := range vars {
			if kind := changeable(spec); kind != "" {
				t.Errorf("%s: package variable %s is a %s", p.dir, name, kind)
			}
		}
		for _, f := range p.files {
			for _, d := range f.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
					checkWrites(t, p.dir, fn, vars)
				}
			}
		}
	}
}

func packageVars(p *pkg) map[string]*ast.ValueSpec {
	vars := map[string]*ast.ValueSpec{}
	for _, f := range p.files {
		for _, d := range f.Decls {
			gen, ok := d.(*ast.GenDecl)
			if !ok || gen.Tok != token.VAR {
				continue
			}
			for _, s := range gen.Specs {
				vs := s.(*ast.ValueSpec)
				for _, n := range vs.Names {
					if n.Name != "_" {
						vars[n.Name] = vs
					}
				}
			}
		}
	}
	return vars
}

// changeable names the kind of a variable that exists to be changed, else "".
func changeable(s *ast.ValueSpec) string {
	switch typ := s.Type.(type) {
	case *ast.ChanType:
		return "channel"
	case *ast.SelectorExpr:
		return syncType(typ)
	}
	for _, v := range s.Values {
		if lit, ok := v.(*ast.CompositeLit); ok {
			if sel, ok := lit.Type.(*ast.SelectorExpr); ok {
				if kind := syncType(sel); kind != "" {
					return kind
				}
			}
		}
	}
	return ""
}

func syncType(sel *ast.SelectorExpr) string {
	if x, ok := sel.X.(*ast.Ident); ok && (x.Name == "sync" && sel.Sel.Name != "Pool" || x.Name == "atomic") {
		return x.Name + "." + sel.Sel.Name
	}
	return ""
}

func checkWrites(t *testing.T, dir string, fn *ast.FuncDecl, vars map[string]*ast.ValueSpec) {
	t.Helper()
	own := declared(fn)
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		var targets []ast.Expr
		switch s := n.(type) {
		case *ast.AssignStmt:
			if s.Tok != token.DEFINE {
				targets = s.Lhs
			}
		case *ast.IncDecStmt:
			targets = []ast.Expr{s.X}
		}
		for _, e := range targets {
			id := base(e)
			if id == nil || own[id.Name] {
				continue // a local that only shares the name
			}
			if _, global := vars[id.Name]; global {
				t.Errorf("%s: %s writes to package variable %s", dir, fn.Name.Name, id.Name)
			}
		}
		return true
	})
}

// declared are the names that a function declares for itself, in whatever
// block: parameters, results and variables.
func declared(fn *ast.FuncDecl) map[string]bool {
	own := map[string]bool{}
	add := func(all ...ast.Expr) {
		for _, e := range all {
			if id, ok := e.(*ast.Ident); ok {
				own[id.Name] = true
			}
		}
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.Field:
			for _, id := range s.Names {
				add(id)
			}
		case *ast.ValueSpec:
			for _, id := range s.Names {
				add(id)
			}
		case *ast.AssignStmt:
			if s.Tok == token.DEFINE {
				add(s.Lhs...)
			}
		case *ast.RangeStmt:
			if s.Tok == token.DEFINE {
				add(s.Key, s.Value)
			}
		}
		return true
	})
	return own
}

// base is the identifier at the left end of x, x[i], x.f, *x.
func base(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}
