package disk

import (
	"bytes"
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/partition/gpt"
)

// image is a disk file as an image has it, its boot partition small.
func image(t *testing.T, data bool) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "own.img")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 64 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	parts := []*gpt.Partition{{Index: 1, Type: gpt.EFISystemPartition, Name: BootName, Start: 2048, End: 2048 + 16<<11 - 1}}
	if data {
		parts = append(parts, &gpt.Partition{Index: 2, Type: gpt.LinuxFilesystem, Name: DataName, Start: 17 << 11, End: 60<<11 - 1})
	}
	w, err := file.New(f, false).Writable()
	if err != nil {
		t.Fatal(err)
	}
	table := &gpt.Table{ProtectiveMBR: true, Partitions: parts}
	if err := table.Write(w, size); err != nil {
		t.Fatal(err)
	}
	system := make([]byte, 16<<20)
	rand.Read(system)
	if _, err := f.WriteAt(system, 1<<20); err != nil {
		t.Fatal(err)
	}
	return path
}

func target(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "other.img")
	if err := os.WriteFile(path, bytes.Repeat([]byte{0xAA}, 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestClone(t *testing.T) {
	own, other := image(t, true), target(t, 400<<20)
	steps := map[string]int64{}
	if err := Clone(context.Background(), own, other, func(what string, done, all int64) { steps[what] = done * 100 / all }); err != nil {
		t.Fatal(err)
	}
	if steps["write"] != 100 || steps["verify"] != 100 {
		t.Errorf("progress %v", steps)
	}
	f, err := os.Open(other)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := gpt.Read(file.New(f, true), 512, 512)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(f, 400<<20); err != nil {
		t.Error(err)
	}
	boot, data := got.Partitions[0], got.Partitions[1]
	if boot.Name != BootName || data.Name != DataName || data.GetStart() != 17<<20 || data.GetSize() < 380<<20 {
		t.Errorf("%+v %+v", boot, data)
	}
	a, _ := os.ReadFile(own)
	b, _ := os.ReadFile(other)
	if !bytes.Equal(a[1<<20:17<<20], b[1<<20:17<<20]) {
		t.Error("the boot partition is another")
	}
	if bytes.Contains(b[17<<20:18<<20], []byte{0xAA}) {
		t.Error("what was there before is still found")
	}
	if guidText(a[2*512+16:2*512+32]) == guidText(b[2*512+16:2*512+32]) {
		t.Error("two partitions with one id")
	}
}

func TestCloneRefuses(t *testing.T) {
	own, odd := image(t, true), image(t, false)
	small, other := target(t, 100<<20), target(t, 400<<20)
	before, _ := os.ReadFile(other)
	for name, c := range map[string][3]string{
		"itself":     {own, own, "runs from"},
		"too small":  {own, small, "are needed"},
		"not ours":   {odd, other, "not laid out"},
		"not a disk": {other, small, "damaged"},
		"not there":  {own, other + "x", "no such file"},
	} {
		if err := Clone(context.Background(), c[0], c[1], func(string, int64, int64) {}); err == nil || !strings.Contains(err.Error(), c[2]) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after, _ := os.ReadFile(other); !bytes.Equal(before, after) {
		t.Error("a refused clone touched the disk")
	}
}

// TestCutCloneStartsNothing ends the copy in the middle.
func TestCutCloneStartsNothing(t *testing.T) {
	ctx, cut := context.WithCancel(context.Background())
	own, other := image(t, true), target(t, 400<<20)
	if err := Clone(ctx, own, other, func(string, int64, int64) { cut() }); err == nil {
		t.Fatal("not cut")
	}
	f, _ := os.Open(other)
	defer f.Close()
	if _, err := gpt.Read(file.New(f, true), 512, 512); err == nil {
		t.Error("the half disk has a table")
	}
}

func TestBooted(t *testing.T) {
	dir := t.TempDir()
	b := []byte{6, 0, 0, 0}
	for _, c := range utf16.Encode([]rune("AB-12\x00")) {
		b = append(b, byte(c), byte(c>>8))
	}
	os.WriteFile(filepath.Join(dir, "LoaderDevicePartUUID-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"), b, 0o600)
	if got := Booted(dir); got != "ab-12" {
		t.Errorf("%q", got)
	}
	if got := Booted(t.TempDir()); got != "" {
		t.Errorf("%q", got)
	}
	parts := []Partition{{Disk: "vda", Number: 1}, {Disk: "vdb", Number: 1}, {Disk: "vda", Number: 2}}
	if got := ofDiskFirst(parts, "vdb"); got[0].Disk != "vdb" || len(got) != 3 {
		t.Error(got)
	}
}
