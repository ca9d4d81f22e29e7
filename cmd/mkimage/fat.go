package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
	"unicode/utf16"
)

// A FAT32 volume is written in one pass from a map of files, because the
// library's writer leaves parent links and free counts that fsck complains of.
// The library reads the result back in check.go, so two implementations must
// agree. References: Microsoft's FAT specification 1.03.
const (
	fatSector   = 512
	fatCluster  = 4096 // 8 sectors; what both firmware and Linux use for 512 MiB
	fatReserved = 32
	fatEnd      = 0x0fffffff
	fatMinimum  = 65525 // with fewer clusters a reader takes it for FAT16
)

// volume is a FAT32 volume while it is laid out.
type volume struct {
	w        io.WriterAt
	start    int64 // of the volume on the disk
	sectors  uint32
	fatSize  uint32 // sectors of one table
	clusters uint32
	table    []uint32
	when     time.Time
}

// folder is a directory of the volume with what is in it, by name.
type folder struct {
	folders map[string]*folder
	files   map[string][]byte
}

// writeFAT makes a FAT32 volume of size bytes at start, holding files by path.
// It relies on the room being zero before.
func writeFAT(w io.WriterAt, start, size int64, label string, serial uint32, when time.Time, files map[string][]byte) error {
	v := &volume{w: w, start: start, sectors: uint32(size / fatSector), when: when.UTC()}
	if err := v.measure(); err != nil {
		return err
	}
	v.table = []uint32{0x0ffffff8, fatEnd}
	if _, err := v.writeFolder(grow(files), 0, shortName(label, "")); err != nil {
		return err
	}
	return errors.Join(v.writeTables(), v.writeHead(label, serial))
}

// measure finds the least table that has an entry for each cluster it leaves
// room for, and the two reserved ones.
func (v *volume) measure() error {
	const perCluster, perSector = fatCluster / fatSector, fatSector / 4
	for {
		used := fatReserved + 2*v.fatSize
		if used >= v.sectors {
			return errors.New("boot partition is too small")
		}
		v.clusters = (v.sectors - used) / perCluster
		if v.fatSize*perSector >= v.clusters+2 {
			break
		}
		v.fatSize++
	}
	if v.clusters < fatMinimum {
		return fmt.Errorf("boot partition with %d clusters is too small for FAT32", v.clusters)
	}
	return nil
}

// grow turns paths into folders.
func grow(files map[string][]byte) *folder {
	root := newFolder()
	for name, data := range files {
		dir := root
		parts := strings.Split(path.Clean(name), "/")
		for _, p := range parts[:len(parts)-1] {
			if dir.folders[p] == nil {
				dir.folders[p] = newFolder()
			}
			dir = dir.folders[p]
		}
		dir.files[parts[len(parts)-1]] = data
	}
	return root
}

func newFolder() *folder {
	return &folder{map[string]*folder{}, map[string][]byte{}}
}

// alloc takes n bytes' worth of clusters in a row and chains them.
func (v *volume) alloc(n int) (uint32, error) {
	if n == 0 {
		return 0, nil
	}
	first := uint32(len(v.table))
	count := uint32((n + fatCluster - 1) / fatCluster)
	if first+count > v.clusters+2 {
		return 0, errors.New("boot partition is full")
	}
	for i := range count - 1 {
		v.table = append(v.table, first+i+1)
	}
	v.table = append(v.table, fatEnd)
	return first, nil
}

func (v *volume) at(cluster uint32) int64 {
	return v.start + int64(fatReserved+2*v.fatSize)*fatSector + int64(cluster-2)*fatCluster
}

// writeFolder writes a folder and all below it, and says where it begins. The
// root has no parent but the volume's label.
func (v *volume) writeFolder(f *folder, parent uint32, label [11]byte) (uint32, error) {
	root := parent == 0
	names := slices.Sorted(maps.Keys(f.folders))
	files := slices.Sorted(maps.Keys(f.files))
	size := 64
	for _, n := range slices.Concat(names, files) {
		size += 32 * (1 + len(longParts(n)))
	}
	first, err := v.alloc(size)
	if err != nil {
		return 0, err
	}
	var b []byte
	if root {
		b = v.record(b, label, 0x08, 0, 0)
	} else {
		up := parent
		if parent == 2 {
			up = 0 // the root is always called 0 by its children
		}
		b = v.record(b, dots("."), 0x10, first, 0)
		b = v.record(b, dots(".."), 0x10, up, 0)
	}
	short := map[[11]byte]bool{}
	for _, n := range names {
		at, err := v.writeFolder(f.folders[n], first, [11]byte{})
		if err != nil {
			return 0, err
		}
		b = v.named(b, n, short, 0x10, at, 0)
	}
	for _, n := range files {
		at, err := v.writeFile(f.files[n])
		if err != nil {
			return 0, fmt.Errorf("%s: %w", n, err)
		}
		b = v.named(b, n, short, 0x20, at, uint32(len(f.files[n])))
	}
	_, err = v.w.WriteAt(b, v.at(first))
	return first, err
}

func (v *volume) writeFile(data []byte) (uint32, error) {
	first, err := v.alloc(len(data))
	if err != nil || first == 0 {
		return 0, err
	}
	_, err = v.w.WriteAt(data, v.at(first))
	return first, err
}

// named appends the records of one name: long parts, last first, then the
// short one.
func (v *volume) named(b []byte, name string, taken map[[11]byte]bool, attr byte, at, size uint32) []byte {
	short := uniqueShort(name, taken)
	parts := longParts(name)
	for i := len(parts); i > 0; i-- {
		b = append(b, longRecord(parts[i-1], i, i == len(parts), checksum(short))...)
	}
	return v.record(b, short, attr, at, size)
}

// record appends one short directory entry.
func (v *volume) record(b []byte, name [11]byte, attr byte, at, size uint32) []byte {
	le := binary.LittleEndian
	date := uint16(v.when.Year()-1980)<<9 | uint16(v.when.Month())<<5 | uint16(v.when.Day())
	clock := uint16(v.when.Hour())<<11 | uint16(v.when.Minute())<<5 | uint16(v.when.Second()/2)
	b = append(b, name[:]...)
	b = append(b, attr, 0, 0)
	for _, x := range []uint16{clock, date, date, uint16(at >> 16), clock, date, uint16(at)} {
		b = le.AppendUint16(b, x)
	}
	return le.AppendUint32(b, size)
}

// writeTables writes both copies of the table.
func (v *volume) writeTables() error {
	b := make([]byte, 0, 4*len(v.table))
	for _, x := range v.table {
		b = binary.LittleEndian.AppendUint32(b, x)
	}
	for i := range int64(2) {
		if _, err := v.w.WriteAt(b, v.start+(fatReserved+i*int64(v.fatSize))*fatSector); err != nil {
			return err
		}
	}
	return nil
}

// writeHead writes the boot sector and the free counts, and the copies of both.
func (v *volume) writeHead(label string, serial uint32) error {
	head := append(v.bootSector(label, serial), v.freeSector()...)
	for _, sector := range []int64{0, 6} {
		if _, err := v.w.WriteAt(head, v.start+sector*fatSector); err != nil {
			return err
		}
	}
	return nil
}

func (v *volume) bootSector(label string, serial uint32) []byte {
	b := make([]byte, fatSector)
	le := binary.LittleEndian
	copy(b, "\xeb\x58\x90SALLYPRT")
	le.PutUint16(b[11:], fatSector)
	b[13] = fatCluster / fatSector
	le.PutUint16(b[14:], fatReserved)
	b[16] = 2    // tables
	b[21] = 0xf8 // fixed disk
	le.PutUint16(b[24:], 32)
	le.PutUint16(b[26:], 8)
	le.PutUint32(b[28:], uint32(v.start/fatSector))
	le.PutUint32(b[32:], v.sectors)
	le.PutUint32(b[36:], v.fatSize)
	le.PutUint32(b[44:], 2) // root
	le.PutUint16(b[48:], 1) // free counts
	le.PutUint16(b[50:], 6) // copy of this
	b[64], b[66] = 0x80, 0x29
	le.PutUint32(b[67:], serial)
	name := shortName(label, "")
	copy(b[71:], name[:])
	copy(b[82:], "FAT32   ")
	copy(b[90:], "\xf4\xeb\xfd") // halt, should a BIOS ever start it
	b[510], b[511] = 0x55, 0xaa
	return b
}

func (v *volume) freeSector() []byte {
	b := make([]byte, fatSector)
	le := binary.LittleEndian
	le.PutUint32(b, 0x41615252)
	le.PutUint32(b[484:], 0x61417272)
	le.PutUint32(b[488:], v.clusters+2-uint32(len(v.table)))
	le.PutUint32(b[492:], uint32(len(v.table)))
	le.PutUint32(b[508:], 0xaa550000)
	return b
}

// longParts cuts a name into the 13 characters that one record holds; none for
// a name that the short record spells fully.
func longParts(name string) [][]uint16 {
	if base, ext, _ := strings.Cut(name, "."); plain(base, 8) && (ext == "" || plain(ext, 3)) && name == strings.TrimSuffix(base+"."+ext, ".") {
		return nil
	}
	u := utf16.Encode([]rune(name))
	if len(u)%13 != 0 {
		u = append(u, 0)
	}
	for len(u)%13 != 0 {
		u = append(u, 0xffff)
	}
	return slices.Collect(slices.Chunk(u, 13))
}

// plain reports whether s is spelled by the capital letters of a short name.
func plain(s string, most int) bool {
	return s != "" && len(s) <= most && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

func longRecord(part []uint16, order int, last bool, sum byte) []byte {
	b := make([]byte, 32)
	b[0] = byte(order)
	if last {
		b[0] |= 0x40
	}
	b[11], b[13] = 0x0f, sum
	places := []int{1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30}
	for i, at := range places {
		binary.LittleEndian.PutUint16(b[at:], part[i])
	}
	return b
}

func checksum(short [11]byte) byte {
	var sum byte
	for _, c := range short {
		sum = sum>>1 | sum<<7
		sum += c
	}
	return sum
}

func shortName(base, ext string) [11]byte {
	var out [11]byte
	copy(out[:], fmt.Sprintf("%-11s", fmt.Sprintf("%-8s%s", base, ext)))
	return out
}

func dots(s string) [11]byte {
	var out [11]byte
	copy(out[:], fmt.Sprintf("%-11s", s))
	return out
}

// uniqueShort makes the short name that every long one needs: SLOT-A~1.CON.
func uniqueShort(name string, taken map[[11]byte]bool) [11]byte {
	upper := strings.ToUpper(name)
	base, ext := upper, ""
	if i := strings.LastIndexByte(upper, '.'); i > 0 {
		base, ext = upper[:i], upper[i+1:]
	}
	base, ext = clean(base), clean(ext)
	if len(ext) > 3 {
		ext = ext[:3]
	}
	if longParts(name) == nil {
		s := shortName(base, ext)
		taken[s] = true
		return s
	}
	for n := 1; ; n++ {
		tail := fmt.Sprintf("~%d", n)
		s := shortName(base[:min(len(base), 8-len(tail))]+tail, ext)
		if !taken[s] {
			taken[s] = true
			return s
		}
	}
}

func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", r) {
			return r
		}
		return -1
	}, s)
}
