package disk

import (
	"fmt"
	"os"
)

// hasTable reports whether a disk has a table of the new kind.
func hasTable(f *os.File) bool {
	b := make([]byte, 8)
	_, err := f.ReadAt(b, sector)
	return err == nil && string(b) == "EFI PART"
}

// growCard is GrowPartition for the table of the old kind, as memory cards have
// it: one sector, so that a cut leaves the old or the new. It counts 2^32
// sectors at most.
func growCard(f *os.File, number int, sectors uint64) (int64, error) {
	b := make([]byte, sector)
	if _, err := f.ReadAt(b, 0); err != nil {
		return 0, err
	}
	if b[510] != 0x55 || b[511] != 0xAA || number < 1 || number > 4 {
		return 0, fmt.Errorf("the disk's partition table is damaged")
	}
	at := func(n int) []byte { return b[446+16*(n-1):] }
	first, length := uint64(le32(at(number)[8:])), uint64(le32(at(number)[12:]))
	if length == 0 {
		return 0, fmt.Errorf("the disk has no partition %d", number)
	}
	for n := 1; n <= 4; n++ {
		if n != number && uint64(le32(at(n)[8:])) > first {
			return 0, nil // another one lies behind
		}
	}
	want := min(sectors&^2047, 1<<32-2048) - first
	if first+length >= sectors&^2047 || want <= length {
		return 0, nil
	}
	put32(at(number)[12:], uint32(want))
	if _, err := f.WriteAt(b, 0); err != nil {
		return 0, err
	}
	if err := f.Sync(); err != nil {
		return 0, err
	}
	return int64(want-length) * sector, tellKernel(f, number, first, want)
}
