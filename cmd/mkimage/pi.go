package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/mbr"

	"sallyport/rootfs"
)

// module fetches a pinned Go module and returns its folder.
func module(ctx context.Context, m rootfs.GoModule) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "mod", "download", "-json", m.Path+"@"+m.Version)
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	var got struct{ Dir, Sum, Error string }
	if e := json.Unmarshal(out.Bytes(), &got); e != nil {
		return "", errors.Join(err, e)
	}
	switch {
	case got.Error != "":
		return "", fmt.Errorf("%s: %s", m.Path, got.Error)
	case got.Sum != m.Sum:
		return "", fmt.Errorf("%s has the hash %s, not %s as pinned", m.Path, got.Sum, m.Sum)
	}
	return got.Dir, err
}

// buildPi makes the slot of a Raspberry Pi.
func (o order) buildPi(ctx context.Context, p *product, binary []byte, say *progress) error {
	kernel, _ := rootfs.PiModules()
	dir, err := module(ctx, kernel)
	if err != nil {
		return err
	}
	p.slot, err = o.board.PiSlot(dir, binary, p.release, p.when)
	say.size("kernel", len(p.slot.Linux))
	say.size("initramfs", len(p.slot.Initrd))
	return err
}

// piFiles is the boot partition of a Raspberry Pi.
func (o order) piFiles(ctx context.Context, p product, first []byte) (map[string][]byte, error) {
	_, firmware := rootfs.PiModules()
	dir, err := module(ctx, firmware)
	if err != nil {
		return nil, err
	}
	return rootfs.PiContents(o.board, p.slot, dir, p.release, o.append, first)
}

// Types of partitions in a table of the old kind.
const (
	typeFAT   = mbr.Fat32LBA
	typeLinux = mbr.Linux
)

// writeCard writes a whole memory card: like a disk, but with the table of the
// old kind, which every Raspberry Pi can read.
func writeCard(f *os.File, when time.Time, files map[string][]byte) error {
	const size = rootfs.DataStart + rootfs.DataSize + backupGPT
	if err := f.Truncate(size); err != nil {
		return err
	}
	id := contentID(files)
	serial := uint32(id[0]) | uint32(id[1])<<8 | uint32(id[2])<<16 | uint32(id[3])<<24
	if err := writeFAT(f, rootfs.BootStart, rootfs.BootSize, rootfs.BootLabel, serial, when, files); err != nil {
		return err
	}
	w, err := file.New(f, false).Writable()
	if err != nil {
		return err
	}
	t := &mbr.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512, Partitions: []*mbr.Partition{
		{Index: 1, Type: typeFAT, Start: rootfs.BootStart / 512, Size: rootfs.BootSize / 512},
		{Index: 2, Type: typeLinux, Start: rootfs.DataStart / 512, Size: rootfs.DataSize / 512},
	}}
	if err := t.Write(w, size); err != nil {
		return err
	}
	_, err = f.WriteAt(id[4:8], 440) // the disk's signature, by which the kernel tells disks apart
	return err
}

// checkCard reads a card back.
func checkCard(f *os.File, b rootfs.Board, want map[string][]byte) error {
	t, err := mbr.Read(file.New(f, true), 512, 512)
	if err != nil {
		return fmt.Errorf("partition table: %w", err)
	}
	p := t.Partitions
	if len(p) < 2 || p[0].Type != typeFAT || p[0].GetStart() != rootfs.BootStart || p[0].GetSize() != rootfs.BootSize ||
		p[1].Type != typeLinux || p[1].GetStart() != rootfs.DataStart || p[1].GetSize() < rootfs.DataSize {
		return errors.New("partition table lacks the boot or the data partition")
	}
	got, err := readBoot(f)
	if err != nil {
		return err
	}
	if want != nil {
		if err := compare(got, want); err != nil {
			return err
		}
	}
	return rootfs.CheckPi(b, got)
}

// stretchCard leaves a card's table as it is: the box makes its data partition
// larger itself. What an older file system began with is cleared.
func stretchCard(f *os.File, b rootfs.Board, files map[string][]byte) error {
	if _, err := f.WriteAt(make([]byte, rootfs.MiB), rootfs.DataStart); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return checkCard(f, b, files)
}
