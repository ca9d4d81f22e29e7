package module

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// Index says which modules an image carries, which need which, and which
// serve which devices.
type Index struct {
	modules map[string]Module
	aliases map[string][]alias // by what stands before the first colon
	any     []alias            // patterns that begin with a wildcard
	preload []string
}

// Module is one file and what must be loaded before it.
type Module struct {
	Name string
	Path string // relative to the directory of the index
	Deps []string
}

type alias struct{ pattern, module string }

// ReadIndex reads the text form, one entry a line:
//
//	module NAME PATH [DEP,DEP,...]
//	alias PATTERN NAME
//	load NAME
//
// Blank lines and lines that begin with # say nothing.
func ReadIndex(r io.Reader) (*Index, error) {
	x := &Index{modules: map[string]Module{}, aliases: map[string][]alias{}}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		f := strings.Fields(lines.Text())
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if err := x.add(f); err != nil {
			return nil, fmt.Errorf("module index, line %d: %w", n, err)
		}
	}
	return x, lines.Err()
}

func (x *Index) add(f []string) error {
	switch {
	case f[0] == "module" && (len(f) == 3 || len(f) == 4):
		m := Module{Name: canonical(f[1]), Path: f[2]}
		if len(f) == 4 && f[3] != "-" {
			for _, d := range strings.Split(f[3], ",") {
				m.Deps = append(m.Deps, canonical(d))
			}
		}
		x.modules[m.Name] = m
	case f[0] == "alias" && len(f) == 3:
		x.addAlias(alias{flat(f[1]), canonical(f[2])})
	case f[0] == "load" && len(f) == 2:
		x.preload = append(x.preload, canonical(f[1]))
	default:
		return fmt.Errorf("%q is no entry", strings.Join(f, " "))
	}
	return nil
}

func (x *Index) addAlias(a alias) {
	bus, _, _ := strings.Cut(a.pattern, ":")
	if strings.ContainsAny(bus, "*?[") {
		x.any = append(x.any, a)
		return
	}
	x.aliases[bus] = append(x.aliases[bus], a)
}

// Preload lists what must be there before any device is looked at.
func (x *Index) Preload() []string { return x.preload }

// Len is the number of modules.
func (x *Index) Len() int { return len(x.modules) }

// Resolve lists the modules that name asks for: the one of that name, else all
// whose alias fits.
func (x *Index) Resolve(name string) []string {
	if _, ok := x.modules[canonical(name)]; ok {
		return []string{canonical(name)}
	}
	name = flat(name)
	bus, _, _ := strings.Cut(name, ":")
	var found []string
	for _, list := range [][]alias{x.aliases[bus], x.any} {
		for _, a := range list {
			if ok, _ := path.Match(a.pattern, name); ok {
				found = append(found, a.module)
			}
		}
	}
	return found
}

// Order lists name and all that it needs, each after what it needs itself.
func (x *Index) Order(name string) ([]Module, error) {
	var out []Module
	seen := map[string]bool{}
	var visit func(string) error
	visit = func(name string) error {
		if seen[name] {
			return nil
		}
		seen[name] = true
		m, ok := x.modules[name]
		if !ok {
			return fmt.Errorf("module %s: the image does not carry it", name)
		}
		for _, d := range m.Deps {
			if err := visit(d); err != nil {
				return err
			}
		}
		out = append(out, m)
		return nil
	}
	return out, visit(canonical(name))
}

// canonical is how the kernel spells a module's name.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

// flat keeps a slash in an alias from being taken for a path's.
func flat(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
