package slot

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPiTriesOnce walks through an update where the boot loader counts nothing:
// installed, tried, failed, tried again, blessed.
func TestPiTriesOnce(t *testing.T) {
	s := newSigner(t)
	slots, dir := machine(t, s)
	slots.Pi = true
	os.WriteFile(filepath.Join(dir, "config.txt"), PiConfig("a"), 0o600)
	file := func(name string) string { b, _ := os.ReadFile(filepath.Join(dir, name)); return string(b) }
	m := manifest()
	line, tree := "console=tty1 sallyport.slot=SLOT sallyport.pi\n", "a device tree"
	m.Keys = []string{s.key()}
	m.More = map[string]Part{"cmdline.txt": sum(line), "overlays/disable-bt.dtbo": sum(tree)}
	if _, err := slots.Install(bytes.NewReader(withMore(t, s, m, "kernel b", "initrd b", line, tree)), Options{}); err != nil {
		t.Fatal(err)
	}
	if got := file("sallyport/slot-b/cmdline.txt"); got != "console=tty1 sallyport.slot=b sallyport.pi\n" {
		t.Error(got)
	}
	if file("sallyport/slot-b/overlays/disable-bt.dtbo") != tree || !strings.Contains(file("tryboot.txt"), "slot-b/") || !strings.Contains(file("config.txt"), "slot-a/") {
		t.Errorf("%s\n%s", file("config.txt"), file("tryboot.txt"))
	}
	for n := range Tries { // each try fails: a starts again
		if try, err := slots.Try(); !try || err != nil {
			t.Fatalf("try %d: %v %v", n+1, try, err)
		}
	}
	if try, err := slots.Try(); try || err != nil {
		t.Error("tried more often than allowed", err)
	}
	if got := entries(t, dir); got != "recovery.conf slot-a.conf slot-b+0-3.conf" {
		t.Error(got)
	}
	slots.Running = "b" // the last try did work
	if ok, _ := slots.Blessed(); ok {
		t.Error("blessed before its time")
	}
	if err := slots.Bless(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "tryboot.txt")); err == nil || !strings.Contains(file("config.txt"), "slot-b/") || entries(t, dir) != "recovery.conf slot-a.conf slot-b.conf" {
		t.Errorf("%s %s", file("config.txt"), entries(t, dir))
	}
	if err := slots.Choose("a"); err != nil || !strings.Contains(file("config.txt"), "slot-a/") {
		t.Error(err, file("config.txt"))
	}
	if err := slots.Choose("recovery"); err == nil {
		t.Error("an entry that no loader reads was chosen")
	}
}

// TestMoreStaysBelow offers names that lead elsewhere.
func TestMoreStaysBelow(t *testing.T) {
	s := newSigner(t)
	for _, name := range []string{"../config.txt", "/x", "overlays/../x", "linux", "a/b", "", ".x", "X"} {
		slots, dir := machine(t, s)
		before := everything(t, dir)
		m := manifest()
		m.Keys = []string{s.key()}
		m.More = map[string]Part{name: sum("x")}
		if _, err := slots.Install(bytes.NewReader(withMore(t, s, m, "kernel b", "initrd b", "x")), Options{}); err == nil || everything(t, dir) != before {
			t.Errorf("%q was taken: %v", name, err)
		}
	}
}
