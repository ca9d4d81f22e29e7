package disk

import (
	"os"
	"path/filepath"
	"testing"
)

// blockTree is what sysfs shows of a machine with one disk.
func blockTree(t *testing.T) string {
	sys := t.TempDir()
	class := filepath.Join(sys, "class/block")
	os.MkdirAll(class, 0o755)
	entry := func(path, uevent string) {
		dir := filepath.Join(sys, "devices/pci/block", path)
		os.MkdirAll(dir, 0o755)
		os.WriteFile(filepath.Join(dir, "uevent"), []byte(uevent), 0o644)
		os.Symlink(dir, filepath.Join(class, filepath.Base(path)))
	}
	entry("sda", "MAJOR=8\nDEVNAME=sda\nDEVTYPE=disk\n")
	entry("sda/sda1", "DEVNAME=sda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=EFI\n")
	entry("vda", "DEVNAME=vda\nDEVTYPE=disk\n")
	entry("vda/vda1", "DEVNAME=vda1\nDEVTYPE=partition\nPARTN=1\nPARTNAME=SALLYBOOT\n")
	entry("vda/vda2", "DEVNAME=vda2\nDEVTYPE=partition\nPARTN=2\nPARTNAME=sallydata\n")
	return sys
}

func TestFind(t *testing.T) {
	boot, data, err := Find(Partitions(blockTree(t)))
	if err != nil || boot.Device != "/dev/vda1" || data.Device != "/dev/vda2" || data.Disk != "vda" || data.Number != 2 {
		t.Errorf("%+v %+v %v", boot, data, err)
	}
	if _, _, err := Find(nil); err != ErrNotFound {
		t.Error(err)
	}
}

func TestFormatAndProbe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "data")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	f.Truncate(128 << 20)
	state := func(want State) {
		t.Helper()
		if got, err := Probe(path); got != want || err != nil {
			t.Errorf("got %v %v, want %v", got, err, want)
		}
	}
	state(Blank)
	f.WriteAt([]byte("somebody's"), 4096)
	state(Damaged)
	if err := Format(path); err != nil {
		t.Fatal(err)
	}
	state(Ext4)
	if n := superblockBlocks(path); n != 128<<20/4096 {
		t.Errorf("%d blocks", n)
	}
	f.WriteAt(make([]byte, 512), 1024)
	state(Damaged)
}
