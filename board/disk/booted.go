package disk

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf16"
)

// Booted is the id of the partition that the boot loader came from, as UEFI's
// variables tell it; "" where they do not.
func Booted(efivars string) string {
	b, err := os.ReadFile(filepath.Join(efivars, "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"))
	if err != nil || len(b) < 4 {
		return ""
	}
	var text []uint16
	for b = b[4:]; len(b) >= 2; b = b[2:] { // after the attributes
		text = append(text, uint16(b[0])|uint16(b[1])<<8)
	}
	return strings.ToLower(strings.TrimRight(string(utf16.Decode(text)), "\x00"))
}

// id reads a partition's id from the table of its disk.
func (p Partition) id() string {
	f, err := os.Open("/dev/" + p.Disk)
	if err != nil {
		return ""
	}
	defer f.Close()
	t, err := readTable(f)
	if err != nil || t.entry(p.Number) == nil {
		return ""
	}
	return guidText(t.entry(p.Number)[16:32])
}

// guidText prints an id, whose first three parts lie in the table back to
// front.
func guidText(b []byte) string {
	return fmt.Sprintf("%08x-%04x-%04x-%x-%x", le32(b), uint16(b[4])|uint16(b[5])<<8, uint16(b[6])|uint16(b[7])<<8, b[8:10], b[10:16])
}

// Prefer puts the partitions of the disk that was booted from first.
func Prefer(parts []Partition, booted string) []Partition {
	if booted == "" {
		return parts
	}
	for _, p := range parts {
		if p.Name == BootName && p.id() == booted {
			return ofDiskFirst(parts, p.Disk)
		}
	}
	return parts
}

func ofDiskFirst(parts []Partition, disk string) (out []Partition) {
	for _, first := range []bool{true, false} {
		for _, p := range parts {
			if (p.Disk == disk) == first {
				out = append(out, p)
			}
		}
	}
	return out
}
