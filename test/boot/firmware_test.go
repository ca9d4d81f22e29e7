package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/board"
	"sallyport/rootfs"
)

func TestAMD64(t *testing.T) {
	b := newBench(t, amd64())
	t.Run("same bytes", b.sameBytes)
	t.Run("first boot", b.firstBoot)
	t.Run("power cuts", b.powerCuts)
	t.Run("slot that ends", b.slotThatEnds)
}

func TestARM64(t *testing.T) {
	b := newBench(t, arm64())
	t.Run("first boot", b.firstBoot)
}

// sameBytes builds the image again.
func (b *bench) sameBytes(t *testing.T) {
	again := b.make(t, "image", "again.img", "-first", filepath.Join(b.dir, "first.txt"))
	one, two := hashFile(t, b.image), hashFile(t, again)
	if one != two {
		t.Errorf("two builds of one commit differ: %s and %s", one, two)
	}
	os.Remove(again)
}

// firstBoot sees a fresh disk become a box: data formatted, first-boot file
// taken, a shell on the serial line and by SSH.
func (b *bench) firstBoot(t *testing.T) {
	disk := newDisk(t, b.image)
	m := powerOn(t, b.arch, disk)
	m.expect(`data: formatted`)
	m.expect(`first boot: role edge`)
	t.Logf("role taken after %v", m.since())
	c := m.dial(b.signer)
	t.Logf("SSH after %v", m.since())
	out := m.ask(c, "xStatus SystemUnit", nil)
	if !strings.Contains(out, "boottest") {
		t.Errorf("xStatus SystemUnit by SSH says\n%s", out)
	}
	m.serialShell()
	m.typeLine("xStatus SystemUnit")
	m.expect(`\*s SystemUnit`)
	m.expect(`Name: "boottest"`)
	m.expect(`\*s/end`)
	t.Logf("serial shell answered after %v", m.since())
	m.unplug()
	if first := bootFiles(t, disk); strings.Contains(first, rootfs.FirstFile) {
		t.Errorf("the first-boot file is still there: %s", first)
	}
}

// serialShell opens the shell on the serial line.
func (m *vm) serialShell() {
	m.typeLine("")
	m.expect(`Press Enter`)
	m.typeLine("")
}

// powerCuts pulls the plug right after a setting was acknowledged, each time a
// little later, and looks whether the setting is there.
func (b *bench) powerCuts(t *testing.T) {
	disk := newDisk(t, b.image)
	kept := "boottest"
	for n := range 4 {
		m := powerOn(t, b.arch, disk)
		c := m.dial(b.signer)
		if out := m.ask(c, "xStatus SystemUnit", nil); !strings.Contains(out, `"`+kept+`"`) {
			t.Fatalf("after cut %d the name %s is gone:\n%s", n, kept, out)
		}
		if n < 3 {
			kept = fmt.Sprintf("cut-%d", n+1)
			m.ask(c, "xConfiguration SystemUnit Name: "+kept, nil)
			time.Sleep(time.Duration(n) * 700 * time.Millisecond)
		}
		t.Logf("start %d took %v", n+1, m.since())
		m.unplug()
	}
}

// slotThatEnds fills slot B with a system that ends at once, and sees the boot
// loader give up on it and come back to slot A.
func (b *bench) slotThatEnds(t *testing.T) {
	disk := newDisk(t, b.image)
	b.plant(t, disk, b.testInit(t))
	m := powerOn(t, b.arch, disk)
	for try := range 3 {
		m.expect(`test init in slot b`)
		t.Logf("try %d after %v", try+1, m.since())
		m.expect(`Kernel panic`)
	}
	m.expect(`slot a`)
	m.dial(b.signer)
	t.Logf("slot A is back after %v", m.since())
	m.unplug()
	if got := entries(t, disk); !strings.Contains(got, "slot-b+0-3.conf") {
		t.Errorf("entries are %s, want slot B without tries", got)
	}
}

// plant puts a bare init into slot B by hand, as an update would.
func (b *bench) plant(t *testing.T, disk, init string) {
	t.Helper()
	binary, err := os.ReadFile(init)
	if err != nil {
		t.Fatal(err)
	}
	brd, err := rootfs.FindBoard(b.board)
	if err != nil {
		t.Fatal(err)
	}
	initrd, err := rootfs.Initramfs(binary, nil, board.Release{Version: "bad", Board: b.board, Arch: b.name}, time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	writeBoot(t, disk, rootfs.SlotDir("b")+"/linux", readBoot(t, disk, rootfs.SlotDir("a")+"/linux"))
	writeBoot(t, disk, rootfs.SlotDir("b")+"/initrd", initrd)
	e := rootfs.Entry{Title: "sallyport bad", Sort: "sallyport", Counter: 1 << 40, Slot: "b", Cmdline: brd.Cmdline("b", "")}
	writeBoot(t, disk, "loader/entries/slot-b+3.conf", e.Text())
}
