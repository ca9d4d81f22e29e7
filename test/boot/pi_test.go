package boot

import (
	"encoding/binary"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/rootfs"
)

// pi starts what lies in slot A of a Raspberry Pi 4's card, on the card itself,
// on the only 64-bit Pi that QEMU plays, which is a 3: the kernel serves both.
// What the Pi's own boot loader does, and the Pi 4's own devices, it cannot show.
func pi(t *testing.T, r *report) {
	a := arm64()
	a.board = "rpi4"
	b := newTool(t, a)
	b.report = r
	card := b.make(t, "image", "card.img")
	for name, file := range map[string]string{"linux": "linux", "initrd": "initrd", "cmdline.txt": "cmdline"} {
		if err := os.WriteFile(filepath.Join(b.dir, file), readBoot(t, card, slotA+"/"+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tree := filepath.Join(b.dir, "tree")
	if err := os.WriteFile(tree, playable(t, filepath.Join(piKernel(t), "bcm2710-rpi-3-b.dtb")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(card, 1<<30); err != nil { // cards have a power of two
		t.Fatal(err)
	}
	cmdline, _ := os.ReadFile(filepath.Join(b.dir, "cmdline"))
	var m *vm
	r.try("a new card", func() {
		m = emulate(t, "", exec.Command(a.qemu, "-machine", "raspi3b", "-m", "1024", "-display", "none", "-monitor", "none",
			"-kernel", filepath.Join(b.dir, "linux"), "-initrd", filepath.Join(b.dir, "initrd"), "-dtb", tree,
			// Its first serial line has no clock here; the second is ttyS0.
			"-append", strings.TrimSpace(string(cmdline))+" console=ttyS0,115200 8250.nr_uarts=1",
			"-drive", "if=sd,format=raw,cache=unsafe,file="+card,
			"-serial", "null", "-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial"))
		m.expect(`board rpi4, slot a`)
		m.expect(`disk: boot /dev/mmcblk0p1, data /dev/mmcblk0p2`)
		m.expect(`the partition grew by`)
		m.expect(`data: formatted`)
		r.fact(t, "first process, card found, grown and formatted", m.since().String())
	})
	r.try("the console", func() {
		m.expect(`Press Enter to set up this box`)
		m.typeLine("")
		m.expect(`Role \(edge or core`)
		r.fact(t, "questions of a new box on the serial line", m.since().String())
	})
}

// piKernel is the folder of the pinned kernel, which the image was made from.
func piKernel(t *testing.T) string {
	t.Helper()
	kernel, _ := rootfs.PiModules()
	out, err := exec.Command("go", "mod", "download", "-json", kernel.Path+"@"+kernel.Version).Output()
	var module struct{ Dir string }
	if err != nil || json.Unmarshal(out, &module) != nil || module.Dir == "" {
		t.Skipf("%s is not to be had: %v", kernel.Path, err)
	}
	return module.Dir
}

// playable takes out of a device tree what QEMU does not play: Bluetooth, which
// would claim a serial line; the other processor's mailbox, whose silence the
// kernel does not survive; and a watchdog that bites when it is opened.
func playable(t *testing.T, file string) []byte {
	t.Helper()
	tree, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"bluetooth", "mailbox@7e00b840", "watchdog@7e100000"} {
		if !cutNode(tree, name) {
			t.Fatalf("the device tree has no %s", name)
		}
	}
	return tree
}

// cutNode fills each node of a name with the format's own nothing.
func cutNode(tree []byte, name string) (cut bool) {
	const begin, end, property, nothing = 1, 2, 3, 4
	word := func(at int) int { return int(binary.BigEndian.Uint32(tree[at:])) }
	aligned := func(n int) int { return (n + 3) &^ 3 }
	depth, inside, from := 0, 0, 0
	for at := word(8); ; {
		start := at
		switch word(at) {
		case begin:
			depth++
			text, _, _ := strings.Cut(string(tree[at+4:min(at+132, len(tree))]), "\x00")
			at += 4 + aligned(len(text)+1)
			if text == name && inside == 0 {
				inside, from = depth, start
			}
		case end:
			at += 4
			if depth == inside {
				for i := from; i < at; i += 4 {
					binary.BigEndian.PutUint32(tree[i:], nothing)
				}
				inside, cut = 0, true
			}
			depth--
		case property:
			at += 12 + aligned(word(at+4))
		case nothing:
			at += 4
		default: // the end of it all
			return cut
		}
	}
}
