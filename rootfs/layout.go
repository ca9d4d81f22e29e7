package rootfs

import (
	"fmt"
	"path"

	"sallyport/board/boot"
	"sallyport/board/disk"
)

// Where things lie on a disk. The partitions start at whole MiB.
//
//	0       GPT
//	1 MiB   boot partition, FAT32: boot loader, entries, slots
//	513 MiB data partition, ext4: made on the first boot, which knows an empty
//	        partition from a damaged one
//	end     backup GPT
const (
	MiB       = 1 << 20
	BootStart = 1 * MiB
	BootSize  = 512 * MiB
	DataStart = BootStart + BootSize
	DataSize  = 256 * MiB

	BootName  = disk.BootName  // in the partition table
	DataName  = disk.DataName  // in the partition table
	BootLabel = disk.BootLabel // of the FAT volume
	FirstFile = boot.FirstBootName
)

// Slot is what one slot holds: a kernel and an initramfs.
type Slot struct {
	Linux, Initrd []byte
	More          map[string][]byte // by name, what a Raspberry Pi needs beside
}

// SlotDir is the folder of a slot on the boot partition.
func SlotDir(slot string) string { return path.Join("sallyport", "slot-"+slot) }

// loaderConf gives whoever sits at the box two seconds to choose the recovery
// entry, and nobody a chance to edit the command line.
const loaderConf = "timeout 2\neditor no\nconsole-mode keep\n"

// Entry is one choice of the boot loader.
type Entry struct {
	Title   string
	Sort    string // entries with a lesser one stand, and are taken, first
	Counter uint64 // of one Sort the greatest is taken
	Slot    string // whose files it starts: a or b
	Cmdline string
}

// Text is the entry's file, as the Boot Loader Specification has it.
func (e Entry) Text() []byte {
	return fmt.Appendf(nil, "title %s\nsort-key %s\nversion %d\nlinux /%s/linux\ninitrd /%s/initrd\noptions %s\n",
		e.Title, e.Sort, e.Counter, SlotDir(e.Slot), SlotDir(e.Slot), e.Cmdline)
}

// Contents is everything on the boot partition of a new disk, by path: slot A
// filled, slot B empty, and the recovery entry on slot A's files. The box moves
// that entry to each slot that it blesses, so that recovery is always a system
// that worked and knows the newest store.
func Contents(b Board, s Slot, loader []byte, counter uint64, version, more string, first []byte) map[string][]byte {
	files := map[string][]byte{
		b.LoaderTo:           loader,
		"loader/loader.conf": []byte(loaderConf),
		"loader/entries/slot-a.conf": Entry{
			"sallyport " + version, "sallyport", counter, "a", b.Cmdline("a", more)}.Text(),
		"loader/entries/recovery.conf": Entry{
			"sallyport recovery", "sallyport-recovery", 0, "a", b.Cmdline("recovery", more)}.Text(),
		path.Join(SlotDir("a"), "linux"):  s.Linux,
		path.Join(SlotDir("a"), "initrd"): s.Initrd,
	}
	if first != nil {
		files[FirstFile] = first
	}
	return files
}
