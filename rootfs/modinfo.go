package rootfs

import (
	"bytes"
	"debug/elf"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/ulikunitz/xz"
)

// modinfo is what a module says of itself.
type modinfo struct {
	depends []string // modules whose symbols it uses
	before  []string // modules it wishes to have loaded first
	after   []string // modules it asks for later
	aliases []string // patterns of the devices and names it serves
}

func readModinfo(packed []byte) (modinfo, error) {
	var info modinfo
	r, err := xz.NewReader(bytes.NewReader(packed))
	if err != nil {
		return info, err
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return info, err
	}
	f, err := elf.NewFile(bytes.NewReader(plain))
	if err != nil {
		return info, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return info, fmt.Errorf("no section .modinfo")
	}
	b, err := section.Data()
	if err != nil {
		return info, err
	}
	for _, entry := range bytes.Split(b, []byte{0}) {
		info.add(string(entry))
	}
	return info, nil
}

func (info *modinfo) add(entry string) {
	key, value, _ := strings.Cut(entry, "=")
	switch key {
	case "depends":
		for name := range strings.SplitSeq(value, ",") {
			if name != "" {
				info.depends = append(info.depends, moduleName(name))
			}
		}
	case "softdep":
		info.soft(strings.Fields(value))
	case "alias":
		// The index separates by blanks; no device of ours has one in its alias.
		if !strings.ContainsAny(value, " \t\n") {
			info.aliases = append(info.aliases, value)
		}
	}
}

func (info *modinfo) soft(words []string) {
	list := &info.before
	for _, w := range words {
		switch w {
		case "pre:":
			list = &info.before
		case "post:":
			list = &info.after
		default:
			*list = append(*list, moduleName(w))
		}
	}
}

// moduleName is how the kernel spells the name of the module in a file.
func moduleName(file string) string {
	name, _, _ := strings.Cut(path.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}
