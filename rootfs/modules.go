package rootfs

import (
	"bytes"
	_ "embed"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
)

//go:embed modules.txt
var modulesText string

// choice is one line of modules.txt.
type choice struct {
	arch    string // "" for every one
	pattern string // below kernel/, without the ending; a last / takes the folder
	leave   bool
}

func choices() ([]choice, error) {
	var list []choice
	arch := ""
	for line := range strings.Lines(modulesText) {
		word := strings.TrimSpace(line)
		switch {
		case word == "" || word[0] == '#':
			continue
		case word[0] == '[':
			arch = strings.Trim(word, "[]")
			if arch == "all" {
				arch = ""
			}
			continue
		}
		pattern, leave := strings.CutPrefix(word, "!")
		if _, err := path.Match(pattern, ""); err != nil {
			return nil, fmt.Errorf("modules.txt: %s: %w", word, err)
		}
		list = append(list, choice{arch, pattern, leave})
	}
	return list, nil
}

func (c choice) fits(file string) bool {
	file = strings.TrimSuffix(strings.TrimPrefix(file, "kernel/"), ".ko.xz")
	if strings.HasSuffix(c.pattern, "/") {
		return strings.HasPrefix(file, c.pattern)
	}
	ok, _ := path.Match(c.pattern, file)
	return ok
}

// Modules is the part of a kernel's modules that a board carries.
type Modules struct {
	Version string
	Files   map[string][]byte // by path below lib/modules/VERSION/
	infos   map[string]modinfo
	paths   map[string]string // by name
}

// preload is what PID 1 needs before it looks at any device: with it the boot
// and data partitions can be mounted.
func preload() []string {
	return []string{"virtio_blk", "sd_mod", "ext4", "vfat", "nls_ascii", "nls_cp437", "nls_iso8859_1", "efivarfs"}
}

// Choose picks the modules of an architecture, with all that they need.
func (k *Kernel) Choose(arch string) (*Modules, error) {
	list, err := choices()
	if err != nil {
		return nil, err
	}
	m := &Modules{Version: k.Version, Files: map[string][]byte{}, infos: map[string]modinfo{}, paths: map[string]string{}}
	byName := map[string]string{}
	for file := range k.modules {
		byName[moduleName(file)] = file
	}
	for _, file := range slices.Sorted(maps.Keys(k.modules)) {
		if !chosen(list, arch, file) {
			continue
		}
		if err := m.take(k, byName, moduleName(file)); err != nil {
			return nil, err
		}
	}
	for _, name := range preload() {
		if err := m.take(k, byName, name); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// chosen reports the last line that fits.
func chosen(list []choice, arch, file string) bool {
	in := false
	for _, c := range list {
		if (c.arch == "" || c.arch == arch) && c.fits(file) {
			in = !c.leave
		}
	}
	return in
}

// take adds a module and whatever it names. A name without a file is built
// into the kernel, or optional.
func (m *Modules) take(k *Kernel, byName map[string]string, name string) error {
	file, ok := byName[name]
	if _, have := m.infos[name]; have || !ok {
		return nil
	}
	info, err := readModinfo(k.modules[file])
	if err != nil {
		return fmt.Errorf("module %s: %w", file, err)
	}
	m.infos[name], m.paths[name], m.Files[file] = info, file, k.modules[file]
	for _, next := range slices.Concat(info.depends, info.before, info.after) {
		if err := m.take(k, byName, next); err != nil {
			return err
		}
	}
	return nil
}

// Index is the text that the box reads instead of what depmod would write:
// `module NAME PATH DEP,DEP`, `alias PATTERN NAME` and `load NAME`, sorted, the
// last in the order of loading.
func (m *Modules) Index() []byte {
	var b bytes.Buffer
	names := slices.Sorted(maps.Keys(m.infos))
	for _, name := range names {
		fmt.Fprintf(&b, "module %s %s %s\n", name, m.paths[name], strings.Join(m.needs(name), ","))
	}
	for _, name := range names {
		for _, alias := range m.infos[name].aliases {
			fmt.Fprintf(&b, "alias %s %s\n", alias, name)
		}
	}
	for _, name := range preload() {
		if _, ok := m.infos[name]; ok {
			fmt.Fprintf(&b, "load %s\n", name)
		}
	}
	return b.Bytes()
}

// needs lists what must be loaded before a module, wishes included, as far as
// the image carries it.
func (m *Modules) needs(name string) []string {
	var list []string
	for _, n := range slices.Concat(m.infos[name].depends, m.infos[name].before) {
		if _, ok := m.infos[n]; ok && n != name && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	return list
}
