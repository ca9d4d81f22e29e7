package boot

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"sallyport/board"
	"sallyport/rootfs"
)

// The stories start one machine after the other on one disk, as its owner
// would; each step leans on the one before.

func TestAMD64(t *testing.T) {
	everyDay(t)
	b := newBench(t, amd64())
	b.sameBytes(t)
	x := &box{bench: b, t: t, disk: newDisk(t, b.image)}
	x.firstBoot()
	x.powerCuts(3)
	x.refusals()
	x.goodUpdate()
	x.badUpdate()
}

func TestARM64(t *testing.T) {
	everyDay(t)
	b := newBench(t, arm64())
	x := &box{bench: b, t: t, disk: newDisk(t, b.image)}
	x.firstBoot()
	x.goodUpdate()
	x.badUpdate()
}

// everyDay leaves a test out of the long run, which has all of it and more.
func everyDay(t *testing.T) {
	if proving() {
		t.Skip("part of TestProve")
	}
}

// box is one machine and its disk through a story.
type box struct {
	*bench
	t    *testing.T
	disk string
	vm   *vm
	ssh  *ssh.Client
	good []byte // an update
	name string // what it was told to be called, and acknowledged
}

// on starts the machine and comes in.
func (x *box) on() {
	x.t.Helper()
	x.vm = powerOn(x.t, x.arch, x.disk)
	x.ssh = x.vm.dial(x.signer)
	x.t.Logf("SSH answers %v after power-on", x.vm.since())
}

// fresh comes in again. A connection without a session is closed after a minute,
// and to make an update takes a busy host longer.
func (x *box) fresh() {
	x.t.Helper()
	x.ssh.Close()
	x.ssh = x.vm.dial(x.signer)
}

func (x *box) ask(line string) string {
	x.t.Helper()
	return x.vm.ask(x.ssh, line, nil)
}

// sameBytes builds the image again.
func (b *bench) sameBytes(t *testing.T) {
	again := b.make(t, "image", "again.img", "-first", filepath.Join(b.dir, "first.txt"))
	if one, two := hashFile(t, b.image), hashFile(t, again); one != two {
		t.Errorf("two builds of one commit differ: %s and %s", one, two)
	}
	os.Remove(again)
}

// firstBoot sees a fresh disk become a box: data formatted, first-boot file
// taken, a shell on the serial line and by SSH.
func (x *box) firstBoot() {
	t := x.t
	x.vm = powerOn(t, x.arch, x.disk)
	x.vm.expect(`data: formatted`)
	x.vm.expect(`first boot: role edge`)
	t.Logf("the role is taken %v after power-on", x.vm.since())
	x.ssh = x.vm.dial(x.signer)
	x.fact("first boot to SSH", fmt.Sprint(x.vm.since()))
	x.name = "boottest"
	x.keeps()
	x.vm.typeLine("")
	x.vm.expect(`Press Enter`)
	x.vm.typeLine("")
	x.vm.typeLine("xStatus SystemUnit")
	x.vm.expect(`\*s SystemUnit`)
	x.vm.expect(`Name: "boottest"`)
	x.vm.expect(`\*s/end`)
	t.Logf("the serial shell answers %v after power-on", x.vm.since())
}

// keeps looks whether the box still knows what it acknowledged.
func (x *box) keeps() {
	x.t.Helper()
	if out := x.ask("xStatus SystemUnit"); !strings.Contains(out, `Name: "`+x.name+`"`) {
		x.t.Fatalf("the name %s is gone:\n%s", x.name, out)
	}
}

// powerCuts pulls the plug right after a setting was acknowledged, each time a
// little later, and looks whether the setting is there.
func (x *box) powerCuts(cuts int) {
	for n := range cuts {
		name := fmt.Sprintf("cut-%d", n+1)
		x.ask("xConfiguration SystemUnit Name: " + name)
		x.name = name
		time.Sleep(time.Duration(n) * 700 * time.Millisecond)
		x.vm.unplug()
		if n == 0 {
			x.firstFileGone()
		}
		x.on()
		x.keeps()
	}
}

func (x *box) firstFileGone() {
	if files := bootFiles(x.t, x.disk); strings.Contains(files, rootfs.FirstFile) {
		x.t.Errorf("the first-boot file is still there: %s", files)
	}
}

// refusals offers what must not get in, and sees that nothing came of it.
func (x *box) refusals() {
	t := x.t
	good := x.goodFile()
	same := rootfs.Slot{Linux: readBoot(t, x.image, slotA+"/linux"), Initrd: readBoot(t, x.image, slotA+"/initrd")}
	strange := x.sign(same, 1, filepath.Join(t.TempDir(), "stranger"))
	old := x.sign(same, -1, x.keys())
	foreign := x.signAs(same, board.Release{Board: "another", Arch: x.arch.name, Counter: 1 << 41}, x.keys())
	changed := bytes.Clone(good)
	changed[len(changed)/2] ^= 1
	x.fresh()
	for _, bad := range []struct {
		what   string
		update []byte
	}{
		{"signed by a stranger", strange},
		{"an older version", old},
		{"for another board", foreign},
		{"changed on its way", changed},
		{"cut in the middle", good[:len(good)/2]},
		{"no update at all", []byte("hello\n")},
	} {
		out, err := tryAsk(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(bad.update))
		if err == nil && !strings.Contains(out, "status=Error") {
			t.Fatalf("an update %s was taken:\n%s", bad.what, out)
		}
		x.fact("update "+bad.what, "refused: "+clip(strings.TrimPrefix(reason(out), "Description: ")))
	}
	out := x.ask("xStatus SystemUnit Slot")
	if !strings.Contains(out, "good") || strings.Contains(out, "trial") {
		t.Errorf("after refused updates the slots are\n%s", out)
	}
}

// goodFile is an update that works.
func (x *box) goodFile() []byte {
	if x.good == nil {
		x.good = x.read(x.make(x.t, "update", "good.update", "-counter", counter(1), "-version", "good"))
	}
	return x.good
}

// goodUpdate installs a newer system in slot B and sees it blessed.
func (x *box) goodUpdate() {
	t := x.t
	update := x.goodFile()
	x.fresh()
	start := time.Now()
	out := x.vm.ask(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(update))
	if !strings.Contains(out, "status=OK") {
		t.Fatalf("the update was refused:\n%s", out)
	}
	t.Logf("an update of %d MiB is taken in %v", len(x.goodFile())>>20, time.Since(start).Round(100*time.Millisecond))
	x.reboot()
	x.vm.expect(`starts, board [^,]*, slot b`)
	x.ssh = x.vm.dial(x.signer)
	x.blessed("b")
	x.fact("good update", fmt.Sprintf("blessed %v after the first power-on", x.vm.since()))
	x.keeps()
	x.vm.unplug()
	if got := entries(t, x.disk); got != "recovery.conf slot-a.conf slot-b.conf" {
		t.Errorf("entries are %s", got)
	}
	if text := string(readBoot(t, x.disk, "loader/entries/recovery.conf")); !strings.Contains(text, "/slot-b/") {
		t.Errorf("recovery does not start what was blessed last:\n%s", text)
	}
	x.on()
}

// blessed waits until a slot is called good.
func (x *box) blessed(slot string) {
	x.t.Helper()
	out := ""
	for late := time.Now().Add(patience()); time.Now().Before(late); time.Sleep(time.Second) {
		out = x.ask("xStatus SystemUnit Slot")
		if _, rest, ok := strings.Cut(out, `Name: "`+slot+`"`); ok {
			state, _, _ := strings.Cut(rest, "Running:")
			if strings.Contains(state, "State: good") {
				return
			}
		}
	}
	x.t.Fatalf("slot %s is not blessed:\n%s", slot, out)
}

// reboot restarts the box in the administrator's way. The line goes down while
// it is answered.
func (x *box) reboot() {
	x.t.Helper()
	out, err := tryAsk(x.ssh, "xCommand Boot !", nil)
	if strings.Contains(out, "status=Error") {
		x.t.Fatalf("xCommand Boot: %v\n%s", err, out)
	}
}

// badUpdate installs a signed update that ends as soon as it starts, and sees
// the boot loader give up on it and come back.
func (x *box) badUpdate() {
	t := x.t
	update := x.deadUpdate()
	x.fresh()
	x.vm.ask(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(update))
	x.reboot()
	for try := range 3 {
		x.vm.expect(`test init in slot a`)
		t.Logf("try %d, %v after power-on", try+1, x.vm.since())
		x.vm.expect(`Kernel panic`)
	}
	x.vm.expect(`starts, board [^,]*, slot b`)
	x.ssh = x.vm.dial(x.signer)
	x.fact("slot whose init ends", "three tries, then the old slot")
	x.keeps()
	x.vm.unplug()
	if got := entries(t, x.disk); got != "recovery.conf slot-a+0-3.conf slot-b.conf" {
		t.Errorf("entries are %s, want slot A without tries", got)
	}
}

// deadUpdate is signed and newer, and its init ends at once.
func (x *box) deadUpdate() []byte {
	t := x.t
	initrd, err := rootfs.Initramfs(x.read(x.testInit(t)), nil, x.release(2), time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	return x.sign(rootfs.Slot{Linux: readBoot(t, x.image, slotA+"/linux"), Initrd: initrd}, 2, x.keys())
}

const slotA = "sallyport/slot-a"

func (x *box) keys() string { return filepath.Join(x.dir, "keys") }

// release describes the nth update of the story; a negative one is older than any box.
func (x *box) release(n int) board.Release {
	r := board.Release{Version: fmt.Sprintf("update-%03d", n), Counter: 1, Board: x.board, Arch: x.arch.name, Development: true}
	if n >= 0 {
		r.Counter, _ = strconv.ParseUint(counter(n), 10, 64)
	}
	return r
}

// sign makes an update with the development key in a folder.
func (x *box) sign(s rootfs.Slot, n int, keys string) []byte {
	x.t.Helper()
	return x.signAs(s, x.release(n), keys)
}

func (x *box) signAs(s rootfs.Slot, r board.Release, keys string) []byte {
	x.t.Helper()
	key, err := rootfs.DevelopmentKey(keys, rand.Reader)
	if err != nil {
		x.t.Fatal(err)
	}
	r.Keys = x.ownKeys() // they stay as they are
	var out bytes.Buffer
	if err := rootfs.WriteUpdate(&out, s, r, time.Unix(1e9, 0), key); err != nil {
		x.t.Fatal(err)
	}
	return out.Bytes()
}

func (x *box) read(name string) []byte {
	x.t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		x.t.Fatal(err)
	}
	return b
}

// ownKeys are those that this box's systems trust.
func (x *box) ownKeys() []string {
	x.t.Helper()
	own, err := rootfs.DevelopmentKey(x.keys(), rand.Reader)
	if err != nil {
		x.t.Fatal(err)
	}
	return []string{rootfs.PublicKey(own)}
}

// counter is a release's number, later than any commit.
func counter(n int) string { return strconv.Itoa(1<<40 + n) }

// reason is the line of a refusal that says why.
func reason(out string) string {
	for line := range strings.Lines(out) {
		if strings.Contains(line, "Reason:") || strings.Contains(line, "Description:") {
			return strings.TrimSpace(line)
		}
	}
	return strings.TrimSpace(out)
}

// proving reports whether the long part is asked for.
func proving() bool { return os.Getenv("SALLYPORT_PROVE") != "" }
