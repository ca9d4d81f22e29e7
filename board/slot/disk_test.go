package slot

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// small mounts a file system of a few KiB over a folder, with what is in it.
func small(t *testing.T, dir, size string) {
	t.Helper()
	before := t.TempDir()
	if err := os.CopyFS(before, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("only a superuser can mount: %v", err)
	}
	t.Cleanup(func() { unix.Unmount(dir, unix.MNT_DETACH) })
	if err := os.CopyFS(dir, os.DirFS(before)); err != nil {
		t.Fatal(err)
	}
}

// TestDisksThatAreFullOrReadOnly has no room for the update here, then there,
// and a boot partition that cannot be written.
func TestDisksThatAreFullOrReadOnly(t *testing.T) {
	s := newSigner(t)
	big := strings.Repeat("kernel b ", 200_000)
	m := manifest()
	m.Linux = sum(big)
	whole := update(t, s, m, big, "initrd b")
	for name, c := range map[string]struct {
		spoil func(slots *Slots, dir string)
		why   string
	}{
		"data partition full": {func(slots *Slots, _ string) { small(t, slots.Stage, "1m") }, "on the data partition"},
		"boot partition full": {func(_ *Slots, dir string) { small(t, dir, "1m") }, "on the boot partition"},
		"data partition read-only": {func(slots *Slots, _ string) {
			small(t, slots.Stage, "16m")
			unix.Mount("", slots.Stage, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}, "read-only"},
		"boot partition read-only": {func(slots *Slots, dir string) {
			small(t, dir, "16m")
			unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "")
		}, "read-only"},
	} {
		slots, dir := machine(t, s)
		c.spoil(slots, dir)
		before := everything(t, dir)
		_, err := slots.Install(bytes.NewReader(whole), Options{})
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
		if everything(t, dir) != before || everything(t, slots.Stage) != "" {
			t.Errorf("%s: something was left or lost", name)
		}
	}
}
