package disk

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Partition is one part of a disk.
type Partition struct {
	Name   string // of the partition table, such as "sallydata"
	Device string // "/dev/vda2"
	Disk   string // "vda"
	Number int
}

// Names of what an image has.
const (
	DataName  = "sallydata"
	BootName  = "sallyboot"
	BootLabel = "SALLYBOOT"
)

// ErrNotFound says that no disk has the partition.
var ErrNotFound = errors.New("no such partition on any disk")

// Partitions lists what sysfs shows, in the order of the device names.
func Partitions(sys string) []Partition {
	files, _ := filepath.Glob(filepath.Join(sys, "class/block/*/uevent"))
	sort.Strings(files)
	var out []Partition
	for _, f := range files {
		if p, ok := partition(f); ok {
			out = append(out, p)
		}
	}
	return out
}

func partition(uevent string) (p Partition, ok bool) {
	b, err := os.ReadFile(uevent)
	if err != nil {
		return p, false
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "DEVTYPE":
			ok = value == "partition"
		case "DEVNAME":
			p.Device = "/dev/" + value
		case "PARTNAME":
			p.Name = value
		case "PARTN":
			p.Number = number(value)
		}
	}
	if dir, err := filepath.EvalSymlinks(filepath.Dir(uevent)); err == nil {
		p.Disk = filepath.Base(filepath.Dir(dir))
	}
	return p, ok
}

func number(s string) int {
	n := 0
	for _, c := range s {
		if c < '0' || c > '9' || n > 1000 {
			return 0
		}
		n = n*10 + int(c-'0')
	}
	return n
}

// Find finds the first data partition, and the boot partition of the same disk.
// Prefer says which disk is first, where an image lies on two.
func Find(parts []Partition) (boot, data Partition, err error) {
	for _, p := range parts {
		if p.Name == DataName {
			data = p
			break
		}
	}
	if data.Device == "" {
		boot, data = findCard(parts)
	}
	for _, p := range parts {
		if boot.Device == "" && isBoot(p) && (data.Disk == "" || p.Disk == data.Disk) {
			boot = p
		}
	}
	if data.Device == "" || boot.Device == "" {
		return boot, data, ErrNotFound
	}
	return boot, data, nil
}

// findCard finds both on a card whose table knows no names: the boot partition
// by its volume's, and the data partition behind it.
func findCard(parts []Partition) (boot, data Partition) {
	for _, b := range parts {
		if b.Number != 1 || b.Name != "" || label(b.Device) != BootLabel {
			continue
		}
		for _, d := range parts {
			if d.Disk == b.Disk && d.Number == 2 && d.Name == "" {
				return b, d
			}
		}
	}
	return boot, data
}

func isBoot(p Partition) bool {
	return strings.EqualFold(p.Name, BootName) || label(p.Device) == BootLabel
}

// label reads the name of a FAT32 volume.
func label(device string) string {
	f, err := os.Open(device)
	if err != nil {
		return ""
	}
	defer f.Close()
	var sector [512]byte
	if _, err := io.ReadFull(f, sector[:]); err != nil || !bytes.Equal(sector[82:87], []byte("FAT32")) {
		return ""
	}
	return strings.TrimSpace(string(sector[71:82]))
}
