package disk

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/mbr"
)

// card is a memory card with the two partitions, larger than they need.
func card(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "card.img")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	w, err := file.New(f, false).Writable()
	if err != nil {
		t.Fatal(err)
	}
	table := &mbr.Table{LogicalSectorSize: 512, PhysicalSectorSize: 512, Partitions: []*mbr.Partition{
		{Index: 1, Type: mbr.Fat32LBA, Start: 2048, Size: 16 << 11}, {Index: 2, Type: mbr.Linux, Start: 17 << 11, Size: 40 << 11},
	}}
	if err := table.Write(w, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGrowCard(t *testing.T) {
	const size = 300<<20 + 5*512
	path := card(t, size)
	for n, want := range []int64{(300 - 17 - 40) << 20, 0} {
		grown, err := GrowPartition(path, 2)
		if err != nil || grown != want {
			t.Errorf("time %d: %d %v, want %d", n+1, grown, err, want)
		}
	}
	if grown, err := GrowPartition(path, 1); grown != 0 || err != nil {
		t.Errorf("the first grew over the second: %d %v", grown, err)
	}
	if _, err := GrowPartition(path, 3); err == nil {
		t.Error("a partition that is not there grew")
	}
	f, _ := os.Open(path)
	defer f.Close()
	got, err := mbr.Read(file.New(f, true), 512, 512)
	if err != nil || got.Partitions[1].GetSize() != 283<<20 || got.Partitions[1].GetStart() != 17<<20 {
		t.Errorf("%+v %v", got, err)
	}
}

// TestFindCard has no names but the volume's.
func TestFindCard(t *testing.T) {
	dir := t.TempDir()
	boot := filepath.Join(dir, "boot")
	sector := make([]byte, 512)
	copy(sector[71:], "SALLYBOOT  FAT32   ")
	os.WriteFile(boot, sector, 0o600)
	other := filepath.Join(dir, "other")
	os.WriteFile(other, bytes.Repeat([]byte{1}, 512), 0o600)
	parts := []Partition{{Disk: "sda", Device: other, Number: 1}, {Disk: "sda", Device: other, Number: 2}, {Disk: "mmcblk0", Device: boot, Number: 1}, {Disk: "mmcblk0", Device: "/dev/mmcblk0p2", Number: 2}}
	b, d, err := Find(parts)
	if err != nil || b.Device != boot || d.Device != "/dev/mmcblk0p2" {
		t.Errorf("%+v %+v %v", b, d, err)
	}
	if _, _, err := Find(parts[:3]); err == nil {
		t.Error("half a card")
	}
}
