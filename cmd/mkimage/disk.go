package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"sallyport/rootfs"
)

// backupGPT is the room of the second partition table, rounded up.
const backupGPT = rootfs.MiB

// writeDisk writes a whole disk of the least size into f, which must be empty.
// All ids are made from the contents, so that the same contents give the same
// disk.
func writeDisk(f *os.File, when time.Time, files map[string][]byte) error {
	const size = rootfs.DataStart + rootfs.DataSize + backupGPT
	if err := f.Truncate(size); err != nil {
		return err
	}
	id := contentID(files)
	serial := binary.LittleEndian.Uint32(id[:])
	if err := writeFAT(f, rootfs.BootStart, rootfs.BootSize, rootfs.BootLabel, serial, when, files); err != nil {
		return err
	}
	return writeTable(f, size, id)
}

// writeTable writes the partition table for a disk of size bytes; the data
// partition gets what room there is, in whole MiB.
func writeTable(f *os.File, size int64, id [32]byte) error {
	const sector = 512
	dataEnd := (size - backupGPT) / rootfs.MiB * rootfs.MiB
	t := &gpt.Table{
		ProtectiveMBR: true,
		GUID:          guid(id, "disk"),
		Partitions: []*gpt.Partition{
			{
				Index: 1, Type: gpt.EFISystemPartition, Name: rootfs.BootName, GUID: guid(id, rootfs.BootName),
				Start: rootfs.BootStart / sector, End: rootfs.DataStart/sector - 1,
			},
			{
				Index: 2, Type: gpt.LinuxFilesystem, Name: rootfs.DataName, GUID: guid(id, rootfs.DataName),
				Start: rootfs.DataStart / sector, End: uint64(dataEnd/sector) - 1,
			},
		},
	}
	w, err := file.New(f, false).Writable()
	if err != nil {
		return err
	}
	return t.Write(w, size)
}

// contentID is a hash over all names and files.
func contentID(files map[string][]byte) [32]byte {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%s %d %x\n", name, len(files[name]), sha256.Sum256(files[name]))
	}
	return [32]byte(h.Sum(nil))
}

// guid makes an id of RFC 9562's free form (version 8) for one use.
func guid(id [32]byte, use string) string {
	b := sha256.Sum256(append(id[:], use...))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("%X-%X-%X-%X-%X", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
