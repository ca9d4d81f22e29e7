package watchdog

import (
	"os"
	"path/filepath"
	"testing"
)

func TestChooseByIdentity(t *testing.T) {
	sys := t.TempDir()
	add := func(name, identity string) {
		dir := filepath.Join(sys, "class/watchdog", name)
		os.MkdirAll(dir, 0o755)
		os.WriteFile(filepath.Join(dir, "identity"), []byte(identity+"\n"), 0o644)
	}
	if _, _, ok := Choose(sys); ok {
		t.Error("found one on a machine without")
	}
	add("watchdog0", "Software Watchdog")
	if dev, _, _ := Choose(sys); dev != "watchdog0" {
		t.Error(dev)
	}
	add("watchdog1", "i6300ESB timer")
	add("watchdog2", "iTCO_wdt")
	if dev, id, _ := Choose(sys); dev != "watchdog2" || id != "iTCO_wdt" {
		t.Error(dev, id)
	}
	if d, err := Open(t.TempDir(), "/dev", 0); d != nil || err != nil {
		t.Error(d, err)
	}
	var none *Device
	if none.Feed() != nil || none.Close() != nil {
		t.Error("a machine without a watchdog must boot too")
	}
}
