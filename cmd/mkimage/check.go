package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"github.com/diskfs/go-diskfs/partition/gpt"

	"sallyport/rootfs"
)

// checkDisk reads a disk back with a reader that had no part in writing it:
// both partition tables, every file of the boot partition, the entries'
// references and the kernel's header. want is nil where the contents are not
// known before.
func checkDisk(f *os.File, size int64, b rootfs.Board, want map[string][]byte) error {
	if b.Pi != nil {
		return checkCard(f, b, want)
	}
	if err := checkTable(f, size); err != nil {
		return err
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
	return checkBoot(b, got)
}

func checkTable(f *os.File, size int64) error {
	t, err := gpt.Read(file.New(f, true), 512, 512)
	if err != nil {
		return fmt.Errorf("partition table: %w", err)
	}
	if err := t.Verify(f, uint64(size)); err != nil {
		return fmt.Errorf("backup partition table: %w", err)
	}
	if t.RecoveredFromBackup {
		return errors.New("the first partition table is broken")
	}
	var boot, data bool
	for _, p := range t.Partitions {
		boot = boot || p.Name == rootfs.BootName && p.Type == gpt.EFISystemPartition && p.GetStart() == rootfs.BootStart
		data = data || p.Name == rootfs.DataName && p.GetStart() == rootfs.DataStart && p.GetSize() >= rootfs.DataSize
	}
	if !boot || !data {
		return errors.New("partition table lacks the boot or the data partition")
	}
	return nil
}

// readBoot reads every file of the boot partition, by path.
func readBoot(f *os.File) (map[string][]byte, error) {
	volume, err := fat32.Read(file.New(f, true), rootfs.BootSize, rootfs.BootStart, 512)
	if err != nil {
		return nil, fmt.Errorf("boot partition: %w", err)
	}
	if got := strings.TrimSpace(volume.Label()); got != rootfs.BootLabel {
		return nil, fmt.Errorf("boot partition is called %q", got)
	}
	files := map[string][]byte{}
	return files, readFolder(volume, ".", files)
}

func readFolder(volume *fat32.FileSystem, dir string, files map[string][]byte) error {
	list, err := volume.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("boot partition, folder %s: %w", dir, err)
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if e.Name() == "." || e.Name() == ".." {
			continue
		}
		if e.IsDir() {
			if err := readFolder(volume, name, files); err != nil {
				return err
			}
			continue
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if files[name], err = readFile(volume, name, info.Size()); err != nil {
			return fmt.Errorf("boot partition, %s: %w", name, err)
		}
	}
	return nil
}

// readFile reads as much as the folder says. The library, read in small pieces,
// goes on to the end of the last cluster, and it cannot open an empty file.
func readFile(volume *fat32.FileSystem, name string, size int64) ([]byte, error) {
	data := make([]byte, size)
	if size == 0 {
		return data, nil
	}
	f, err := volume.OpenFile(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	_, err = io.ReadFull(f, data)
	return data, err
}

func compare(got, want map[string][]byte) error {
	if g, w := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)); !slices.Equal(g, w) {
		return fmt.Errorf("boot partition holds %v, not %v", g, w)
	}
	for name, data := range want {
		if !bytes.Equal(got[name], data) {
			return fmt.Errorf("boot partition, %s: what was read back differs from what was written", name)
		}
	}
	return nil
}

// checkBoot looks whether firmware would find a loader, the loader entries, and
// the entries their files.
func checkBoot(b rootfs.Board, files map[string][]byte) error {
	if err := rootfs.CheckKernel(b.Arch, files[b.LoaderTo]); err != nil {
		return fmt.Errorf("boot loader %s: %w", b.LoaderTo, err)
	}
	entries := 0
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(name, "loader/entries/") {
			continue
		}
		entries++
		if err := checkEntry(b, files, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if entries == 0 {
		return errors.New("boot partition without entries")
	}
	return nil
}

func checkEntry(b rootfs.Board, files map[string][]byte, name string) error {
	for line := range strings.Lines(string(files[name])) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		data, have := files[strings.TrimPrefix(value, "/")]
		switch {
		case key != "linux" && key != "initrd":
			continue
		case !have:
			return fmt.Errorf("%s %s is not there", key, value)
		case key == "linux":
			if err := rootfs.CheckKernel(b.Arch, data); err != nil {
				return err
			}
		case !bytes.HasPrefix(data, []byte("\x28\xb5\x2f\xfd")):
			return errors.New("initrd is not compressed as expected")
		}
	}
	return nil
}
