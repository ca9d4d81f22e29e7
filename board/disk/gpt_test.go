package disk

import (
	"os"
	"path/filepath"
	"testing"

	diskfs "github.com/diskfs/go-diskfs"
	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

// newTable makes a disk of some MiB with a boot and a data partition.
func newTable(t *testing.T, mib int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "disk")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	f.Truncate(mib << 20)
	d, err := diskfs.OpenBackend(file.New(f, false), diskfs.WithSectorSize(diskfs.SectorSize512))
	if err != nil {
		t.Fatal(err)
	}
	err = d.Partition(&gpt.Table{ProtectiveMBR: true, Partitions: []*gpt.Partition{
		{Index: 1, Start: 2048, End: 8191, Type: gpt.EFISystemPartition, Name: "sallyboot"},
		{Index: 2, Start: 8192, End: 8192 + 16*2048 - 1, Type: gpt.LinuxFilesystem, Name: "sallydata"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGrowPartition(t *testing.T) {
	path := newTable(t, 24)
	if n, err := GrowPartition(path, 1); n != 0 || err != nil {
		t.Error("a partition grew into another", n, err)
	}
	os.Truncate(path, 100<<20)
	n, err := GrowPartition(path, 2)
	if err != nil || n < 78<<20 {
		t.Fatal(n, err)
	}
	if n, err := GrowPartition(path, 2); n != 0 || err != nil {
		t.Error("the second time", n, err)
	}
	f, _ := os.Open(path)
	defer f.Close()
	d, err := diskfs.OpenBackend(file.New(f, true), diskfs.WithOpenMode(diskfs.ReadOnly))
	if err != nil {
		t.Fatal(err)
	}
	table, err := d.GetPartitionTable()
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Verify(f, 100<<20); err != nil {
		t.Error("the table is not whole:", err)
	}
	os.WriteFile(path+"x", make([]byte, 1<<20), 0o600)
	if _, err := GrowPartition(path+"x", 2); err == nil {
		t.Error("a disk without table was written")
	}
}
