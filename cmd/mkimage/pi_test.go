package main

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/board"
	"sallyport/rootfs"
)

// card is the boot partition of a Raspberry Pi, its large files made up.
func card(t *testing.T, name string) (rootfs.Board, map[string][]byte) {
	t.Helper()
	b, err := rootfs.FindBoard(name)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put := func(name string, data []byte) {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o700)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	kernel := make([]byte, 4096)
	copy(kernel[0x38:], "ARM\x64")
	put("vmlinuz", kernel)
	for _, f := range append([]string{"overlays/" + b.Pi.Overlay + ".dtbo"}, b.Pi.Trees...) {
		put(f, []byte("\xd0\x0d\xfe\xed"+f))
	}
	for _, f := range b.Pi.Firmware {
		put(f, []byte(f))
	}
	r := board.Release{Version: "v1", Board: b.Name, Arch: b.Arch, Counter: 7}
	when := time.Unix(1e9, 0)
	s, err := b.PiSlot(dir, []byte("binary"), r, when)
	if err != nil {
		t.Fatal(err)
	}
	files, err := rootfs.PiContents(b, s, dir, r, "", []byte("role edge\n"))
	if err != nil {
		t.Fatal(err)
	}
	return b, files
}

func TestCardReadsBack(t *testing.T) {
	for _, name := range []string{"rpi4", "rpi5"} {
		b, files := card(t, name)
		var sums [2][]byte
		for i := range sums {
			f, err := os.Create(filepath.Join(t.TempDir(), "card.img"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if err := writeCard(f, time.Unix(1e9, 0), files); err != nil {
				t.Fatal(err)
			}
			if err := checkCard(f, b, files); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if _, sums[i], err = fingerprint(f); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(sums[0], sums[1]) {
			t.Errorf("%s: two cards of one content differ", name)
		}
		line := string(files["sallyport/slot-a/cmdline.txt"])
		if !strings.Contains(line, "sallyport.slot=a ") || !strings.Contains(line, "sallyport.pi") || strings.Count(line, "\n") != 1 {
			t.Errorf("%s: %q", name, line)
		}
		if !strings.Contains(string(files["config.txt"]), "os_prefix=sallyport/slot-a/\n") {
			t.Errorf("%s: %s", name, files["config.txt"])
		}
	}
}

func TestCheckFindsFaultsOfACard(t *testing.T) {
	b, good := card(t, "rpi4")
	for name, spoil := range map[string]func(map[string][]byte){
		"no firmware": func(f map[string][]byte) { delete(f, "start4.elf") },
		"no tree":     func(f map[string][]byte) { delete(f, "sallyport/slot-a/bcm2711-rpi-4-b.dtb") },
		"odd tree":    func(f map[string][]byte) { f["sallyport/slot-a/bcm2711-rpi-4-b.dtb"] = []byte("text") },
		"odd kernel":  func(f map[string][]byte) { f["sallyport/slot-a/linux"] = make([]byte, 100) },
		"no config":   func(f map[string][]byte) { delete(f, "config.txt") },
	} {
		files := maps.Clone(good)
		spoil(files)
		if err := rootfs.CheckPi(b, files); err == nil {
			t.Errorf("%s was not found", name)
		}
	}
}

func TestFlashACard(t *testing.T) {
	b, files := card(t, "rpi5")
	image := filepath.Join(t.TempDir(), "card.img")
	f, err := os.Create(image)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := writeCard(f, time.Unix(1e9, 0), files); err != nil {
		t.Fatal(err)
	}
	target := filepath.Join(t.TempDir(), "target")
	os.WriteFile(target, nil, 0o600)
	os.Truncate(target, 1000<<20)
	if err := flash(context.Background(), []string{"-disk", target, image}, strings.NewReader(target+"\n")); err != nil {
		t.Fatal(err)
	}
	got, err := os.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer got.Close()
	if err := checkCard(got, b, files); err != nil {
		t.Error(err)
	}
}
