package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/rootfs"
)

// contents is a boot partition with stand-ins of the right first bytes.
func contents(t *testing.T) (rootfs.Board, map[string][]byte) {
	t.Helper()
	b, err := rootfs.FindBoard("pc-x86_64")
	if err != nil {
		t.Fatal(err)
	}
	slot := rootfs.Slot{Linux: program(100_000), Initrd: append([]byte("\x28\xb5\x2f\xfd"), make([]byte, 10_000)...)}
	return b, rootfs.Contents(b, slot, program(5000), 1, "v1", "", []byte("role edge\n"))
}

// program has the head of an EFI program for x86-64.
func program(n int) []byte {
	b := bytes.Repeat([]byte{0x90}, n)
	copy(b, "MZ")
	copy(b[0x3c:], []byte{0x80, 0, 0})
	copy(b[0x80:], "PE\x00\x00\x64\x86")
	return b
}

func disk(t *testing.T, files map[string][]byte) *os.File {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "disk.img"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if err := writeDisk(f, time.Unix(1.7e9, 0), files); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestDiskReadsBack(t *testing.T) {
	b, files := contents(t)
	for i := range 40 { // more than one cluster of names, alike in their short form
		files[fmt.Sprintf("folder/A long name that needs parts, number %d.text", i)] = []byte(strings.Repeat("x", i*777))
	}
	files["folder/deep/deeper/PLAIN.TXT"] = []byte("plain")
	files["folder/grüße"] = []byte("not ASCII")
	f := disk(t, files)
	size, _ := f.Seek(0, io.SeekEnd)
	if err := checkDisk(f, size, b, files); err != nil {
		t.Error(err)
	}
	fsck(t, f)
}

// fsck lets the reference implementation judge, where it is installed.
func fsck(t *testing.T, f *os.File) {
	tool, err := exec.LookPath("/usr/sbin/fsck.vfat")
	if err != nil {
		t.Log("fsck.vfat is missing (apt-get install dosfstools): the volume was read back only by the library")
		return
	}
	part := filepath.Join(t.TempDir(), "boot.fat")
	out, err := os.Create(part)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := io.Copy(out, io.NewSectionReader(f, rootfs.BootStart, rootfs.BootSize)); err != nil {
		t.Fatal(err)
	}
	if text, err := exec.Command(tool, "-n", part).CombinedOutput(); err != nil {
		t.Errorf("fsck.vfat: %v\n%s", err, text)
	}
}

func TestDiskIsAFunctionOfItsContents(t *testing.T) {
	_, files := contents(t)
	one, two := disk(t, files), disk(t, files)
	const begin = 16 << 20 // all that these contents fill
	a, b := make([]byte, begin), make([]byte, begin)
	for _, at := range []int64{0, rootfs.DataStart + rootfs.DataSize + backupGPT - begin} {
		one.ReadAt(a, at)
		two.ReadAt(b, at)
		if !bytes.Equal(a, b) {
			t.Errorf("the same contents gave two disks, which differ after byte %d", at)
		}
	}
}

func TestCheckFindsFaults(t *testing.T) {
	b, files := contents(t)
	for name, spoil := range map[string]func(*os.File){
		"first table":    func(f *os.File) { f.WriteAt([]byte("xx"), 512) },
		"backup table":   func(f *os.File) { s, _ := f.Seek(0, io.SeekEnd); f.WriteAt([]byte("xx"), s-512) },
		"boot sector":    func(f *os.File) { f.WriteAt(make([]byte, 512), rootfs.BootStart) },
		"cut off":        func(f *os.File) { f.Truncate(rootfs.DataStart) },
		"file's content": func(f *os.File) { spoilKernel(t, f) },
	} {
		f := disk(t, files)
		size, _ := f.Seek(0, io.SeekEnd)
		spoil(f)
		if err := checkDisk(f, size, b, files); err == nil {
			t.Errorf("%s broken, and nothing was noticed", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
	arm, _ := rootfs.FindBoard("pc-arm64")
	f := disk(t, files)
	size, _ := f.Seek(0, io.SeekEnd)
	if err := checkDisk(f, size, arm, nil); err == nil {
		t.Error("an image for another board was taken")
	}
}

// spoilKernel changes a byte in the middle of the kernel.
func spoilKernel(t *testing.T, f *os.File) {
	t.Helper()
	b := make([]byte, 8<<20)
	if _, err := f.ReadAt(b, rootfs.BootStart); err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, bytes.Repeat([]byte{0x90}, 50_000))
	if at < 0 {
		t.Fatal("no kernel found")
	}
	f.WriteAt([]byte{0x91}, rootfs.BootStart+int64(at)+40_000)
}

func TestFormsHoldTheSame(t *testing.T) {
	qemu, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("qemu-img is missing: apt-get install qemu-utils")
	}
	_, files := contents(t)
	raw := disk(t, files)
	size, _ := raw.Seek(0, io.SeekEnd)
	for _, ending := range []string{"qcow2", "vmdk"} {
		name := filepath.Join(t.TempDir(), "disk."+ending)
		out, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := formOf(name)(out, raw, size); err != nil {
			t.Fatal(err)
		}
		out.Close()
		for _, args := range [][]string{{"check", name}, {"compare", name, raw.Name()}} {
			if text, err := exec.Command(qemu, args...).CombinedOutput(); err != nil {
				t.Errorf("qemu-img %v: %v\n%s", args, err, text)
			}
		}
	}
}

// TestFlash writes an image to a larger disk, over an older system.
func TestFlash(t *testing.T) {
	b, files := contents(t)
	image := disk(t, files)
	target := filepath.Join(t.TempDir(), "target")
	old := bytes.Repeat([]byte("old"), 1<<20)
	if err := os.WriteFile(target, old, 0o600); err != nil {
		t.Fatal(err)
	}
	const size = 1000<<20 + 512
	if err := os.Truncate(target, size); err != nil {
		t.Fatal(err)
	}
	args := []string{"-disk", target, image.Name()}
	if err := flash(context.Background(), args, strings.NewReader("no\n")); err == nil {
		t.Fatal("written without a yes")
	}
	if got, _ := os.ReadFile(target); !bytes.HasPrefix(got, old) {
		t.Fatal("the disk was touched before the yes")
	}
	if err := flash(context.Background(), args, strings.NewReader(target+"\n")); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkDisk(f, size, b, files); err != nil {
		t.Error(err)
	}
}

func TestFlashRefusesASmallDisk(t *testing.T) {
	small := filepath.Join(t.TempDir(), "small")
	if err := os.WriteFile(small, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := flash(context.Background(), []string{"-disk", small, "image"}, strings.NewReader(small+"\n")); err == nil {
		t.Error("a disk that is too small was taken")
	}
}

// TestFlashRefusesABadImage has images that are cut, damaged or not for disks;
// the disk keeps what it has.
func TestFlashRefusesABadImage(t *testing.T) {
	_, files := contents(t)
	good := disk(t, files)
	dir := t.TempDir()
	make := func(name string, size int64, spoil int64) string {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		good.Seek(0, io.SeekStart)
		if _, err := io.CopyN(f, good, size); err != nil {
			t.Fatal(err)
		}
		if spoil > 0 {
			f.WriteAt(bytes.Repeat([]byte{0xFF}, 512), spoil)
		}
		return path
	}
	all, _ := good.Seek(0, io.SeekEnd)
	packed := filepath.Join(dir, "cut.img.zst")
	os.WriteFile(packed, []byte("\x28\xb5\x2f\xfd\x24"), 0o600)
	empty := filepath.Join(dir, "empty.img")
	os.WriteFile(empty, nil, 0o600)
	machine := filepath.Join(dir, "box.qcow2")
	os.WriteFile(machine, nil, 0o600)
	target := filepath.Join(dir, "target")
	old := bytes.Repeat([]byte("old"), 1000)
	os.WriteFile(target, old, 0o600)
	os.Truncate(target, 1000<<20)
	for name, image := range map[string]string{
		"cut": make("cut.img", all/2, 0), "without its end": make("tail.img", all-512, 0), "with a broken table": make("table.img", all, 512),
		"packed and cut": packed, "empty": empty, "for a virtual machine": machine, "not there": filepath.Join(dir, "none"),
	} {
		if err := flash(context.Background(), []string{"-disk", target, image}, strings.NewReader(target+"\n")); err == nil {
			t.Errorf("an image %s was written", name)
		}
	}
	if f, err := os.Open(target); err == nil {
		got := bytes.Clone(old)
		io.ReadFull(f, got)
		f.Close()
		if !bytes.Equal(got, old) {
			t.Error("the disk was touched")
		}
	}
}

func TestMounted(t *testing.T) {
	mounts := []byte("/dev/sda1 / ext4 rw 0 0\n/dev/nvme0n1p2 /home ext4 rw 0 0\nproc /proc proc rw 0 0\n")
	for disk, want := range map[string]bool{"/dev/sda": true, "/dev/sda1": true, "/dev/sdb": false, "/dev/nvme0n1": true, "/dev/sd": false} {
		if got := mounted(mounts, disk) != ""; got != want {
			t.Errorf("%s in use: %t, want %t", disk, got, want)
		}
	}
}
