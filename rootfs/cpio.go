package rootfs

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// File types of an archive, as stat(2) has them.
const (
	typeDir  = 0o040000
	typeChar = 0o020000
	typeFile = 0o100000
	typeLink = 0o120000
)

// node is one thing in an initramfs.
type node struct {
	mode         uint32
	major, minor uint32
	data         []byte
}

// tree is an initramfs by path, without a leading slash. Folders need no entry
// of their own unless they are empty.
type tree map[string]node

func (t tree) file(name string, mode uint32, data []byte) {
	t[name] = node{mode: typeFile | mode, data: data}
}
func (t tree) dir(name string, mode uint32) { t[name] = node{mode: typeDir | mode} }
func (t tree) link(name, target string) {
	t[name] = node{mode: typeLink | 0o777, data: []byte(target)}
}
func (t tree) char(name string, mode, major, minor uint32) {
	t[name] = node{mode: typeChar | mode, major: major, minor: minor}
}

// write writes the tree in the "newc" form that the kernel unpacks (its
// Documentation/driver-api/early-userspace/buffer-format.rst), by path, all
// files with the same time.
func (t tree) write(w io.Writer, mtime int64) error {
	all := t.withParents()
	inode := 0
	for _, name := range slices.Sorted(maps.Keys(all)) {
		inode++
		if _, err := w.Write(entry(name, inode, mtime, all[name])); err != nil {
			return err
		}
	}
	_, err := w.Write(entry("TRAILER!!!", 0, 0, node{}))
	return err
}

func (t tree) withParents() tree {
	all := maps.Clone(t)
	for name := range t {
		for dir := path.Dir(name); dir != "."; dir = path.Dir(dir) {
			if _, ok := all[dir]; !ok {
				all.dir(dir, 0o755)
			}
		}
	}
	return all
}

func entry(name string, inode int, mtime int64, n node) []byte {
	links := 1
	if n.mode&typeDir != 0 && n.mode&typeFile == 0 {
		links = 2
	}
	var b bytes.Buffer
	b.WriteString("070701")
	for _, v := range []uint32{
		uint32(inode), n.mode, 0, 0, uint32(links), uint32(mtime), uint32(len(n.data)),
		0, 0, n.major, n.minor, uint32(len(name) + 1), 0,
	} {
		fmt.Fprintf(&b, "%08x", v)
	}
	b.WriteString(name)
	b.WriteByte(0)
	pad(&b)
	b.Write(n.data)
	pad(&b)
	return b.Bytes()
}

func pad(b *bytes.Buffer) { b.WriteString(strings.Repeat("\x00", -b.Len()&3)) }
