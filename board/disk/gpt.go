package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sector is what the images are laid out in.
const sector = 512

// table is a partition table as it lies on the disk: one header, its entries.
type table struct {
	header  []byte // one sector
	entries []byte
}

// GrowPartition moves the end of the table to the end of the disk, and the end
// of the last partition with it, if it is that one. Every step leaves a whole
// table behind: first the new backup at the disk's end, then the first one. It
// reports by how many bytes the partition grew.
func GrowPartition(disk string, number int) (int64, error) {
	f, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return 0, err
	}
	if !hasTable(f) {
		return growCard(f, number, uint64(size/sector))
	}
	t, err := readTable(f)
	if err != nil {
		return 0, err
	}
	grown, err := t.grow(number, uint64(size/sector))
	if err != nil || grown == 0 {
		return 0, err
	}
	if err := t.write(f); err != nil {
		return 0, err
	}
	e := t.entry(number)
	return int64(grown) * sector, tellKernel(f, number, le64(e[32:]), le64(e[40:])-le64(e[32:])+1)
}

func readTable(f io.ReaderAt) (*table, error) {
	t := &table{header: make([]byte, sector)}
	if _, err := f.ReadAt(t.header, sector); err != nil {
		return nil, err
	}
	h := t.header
	if string(h[:8]) != "EFI PART" || le32(h[16:]) != t.headerSum() {
		return nil, errors.New("the disk's partition table is damaged")
	}
	count, width := le32(h[80:]), le32(h[84:])
	if count > 1024 || width < 128 || width > 4096 {
		return nil, errors.New("the disk's partition table makes no sense")
	}
	t.entries = make([]byte, count*width)
	if _, err := f.ReadAt(t.entries, int64(le64(h[72:]))*sector); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(t.entries) != le32(h[88:]) {
		return nil, errors.New("the disk's partition table is damaged")
	}
	return t, nil
}

func le32(b []byte) uint32 { return binary.LittleEndian.Uint32(b) }
func le64(b []byte) uint64 { return binary.LittleEndian.Uint64(b) }

func put64(b []byte, v uint64) { binary.LittleEndian.PutUint64(b, v) }
func put32(b []byte, v uint32) { binary.LittleEndian.PutUint32(b, v) }

// headerSum is the header's checksum, taken with that field zero.
func (t *table) headerSum() uint32 {
	size := min(le32(t.header[12:]), sector)
	h := append([]byte{}, t.header[:size]...)
	if size >= 20 {
		put32(h[16:], 0)
	}
	return crc32.ChecksumIEEE(h)
}

// entry is the partition's part of the entries: first sector at 32, last at 40.
func (t *table) entry(number int) []byte {
	width := int(le32(t.header[84:]))
	at := (number - 1) * width
	if number < 1 || at+width > len(t.entries) {
		return nil
	}
	return t.entries[at : at+width]
}

// grow changes the table in memory.
func (t *table) grow(number int, sectors uint64) (uint64, error) {
	e := t.entry(number)
	if e == nil {
		return 0, fmt.Errorf("the disk has no partition %d", number)
	}
	tail := uint64(len(t.entries)+sector-1)/sector + 1
	last := (sectors-tail-1)&^2047 - 1 // whole MiB, as the rest
	end := le64(e[40:])
	for n := 1; t.entry(n) != nil; n++ {
		if o := t.entry(n); n != number && le64(o[40:]) > end {
			return 0, nil // another one lies behind
		}
	}
	if last <= end {
		return 0, nil
	}
	put64(e[40:], last)
	put64(t.header[32:], sectors-1)      // where the backup is
	put64(t.header[48:], sectors-tail-1) // last sector for partitions
	put32(t.header[88:], crc32.ChecksumIEEE(t.entries))
	put32(t.header[16:], t.headerSum())
	return last - end, nil
}

// write writes the backup, and then the first table.
func (t *table) write(f *os.File) error {
	at := le64(t.header[32:])
	tail := uint64(len(t.entries)+sector-1) / sector
	backup := &table{header: append([]byte{}, t.header...), entries: t.entries}
	put64(backup.header[24:], at)
	put64(backup.header[32:], 1)
	put64(backup.header[72:], at-tail)
	put32(backup.header[16:], backup.headerSum())
	for _, w := range []struct {
		b  []byte
		at uint64
	}{{t.entries, at - tail}, {backup.header, at}, {t.entries, le64(t.header[72:])}, {t.header, 1}} {
		if _, err := f.WriteAt(w.b, int64(w.at)*sector); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
	}
	return widenProtection(f, at)
}

// widenProtection has the old kind of table, which keeps old tools off, cover
// the whole disk again.
func widenProtection(f *os.File, last uint64) error {
	const kind, length = 446 + 4, 446 + 12
	b := make([]byte, sector)
	if _, err := f.ReadAt(b, 0); err != nil || b[kind] != 0xEE {
		return err
	}
	put32(b[length:], uint32(min(last, 0xFFFFFFFF)))
	if _, err := f.WriteAt(b, 0); err != nil {
		return err
	}
	return f.Sync()
}

// tellKernel resizes the partition that the kernel knows. On a file, which has
// none, there is nobody to tell.
func tellKernel(f *os.File, number int, first, sectors uint64) error {
	st, err := f.Stat()
	if err != nil || st.Mode().IsRegular() {
		return err
	}
	part := struct {
		start, length int64
		number        int32
		_             [64]byte
		_             [64]byte
	}{start: int64(first) * sector, length: int64(sectors) * sector, number: int32(number)}
	arg := struct {
		op, flags, size int32
		data            unsafe.Pointer
	}{op: unix.BLKPG_RESIZE_PARTITION, size: int32(unsafe.Sizeof(part)), data: unsafe.Pointer(&part)}
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.BLKPG, uintptr(unsafe.Pointer(&arg))); e != 0 {
		return fmt.Errorf("the kernel keeps the old size of partition %d until the next start: %w", number, e)
	}
	return nil
}
