package boot

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/diskfs/go-diskfs"
	"github.com/diskfs/go-diskfs/partition/gpt"
	"github.com/pkg/sftp"

	"sallyport/rootfs"
)

// life is what a box of one architecture lives through when all is well with
// it but its updates: starts, power cuts, and systems that work and do not.
func life(t *testing.T, r *report, a arch) {
	x := newLife(t, r, a)
	r.try("sizes", x.sizes)
	r.try("first boot", x.firstBoot)
	r.try("bad updates", x.refusals)
	r.try("good update", x.goodUpdate)
	r.try("slot whose init exits", x.badUpdate)
	r.try("first SIP answer", x.firstAnswer)
	r.try("slot whose update was cut", x.cutUpdate)
	r.try("slot whose node crashes", func() { x.fault("crash", 10) })
	r.try("slot whose node hangs", func() { x.fault("hang", 11) })
}

// trouble is what is done to a box: bad images, bad disks, bad lines; and the
// ways out of it.
func trouble(t *testing.T, r *report, a arch) {
	x := newLife(t, r, a)
	r.try("two builds are the same", func() { x.sameBytes(t) })
	r.try("bad images", x.badImages)
	r.try("first boot", x.firstBoot)
	r.try("garbage on the serial line", x.garbage)
	r.try("power cuts after commits", func() { x.powerCuts(1) })
	r.try("swapped interfaces", x.swapped)
	r.try("read-only disk", x.readOnly)
	r.try("recovery entry", x.recovery)
	r.try("factory reset", x.factoryReset)
	r.try("full disk", x.fullDisk)
}

func newLife(t *testing.T, r *report, a arch) *box {
	b := newBench(t, a)
	b.report = r
	return &box{bench: b, t: t, disk: newDisk(t, b.image)}
}

// sizes notes what design.md gives a budget for.
func (x *box) sizes() {
	packed := x.make(x.t, "image", "disk.img.zst")
	x.fact("image as downloaded", megabytes(fileSize(x.t, packed)))
	os.Remove(packed)
	st, err := os.Stat(x.image)
	if err != nil {
		x.t.Fatal(err)
	}
	x.fact("image on disk, one slot filled", megabytes(st.Sys().(*syscall.Stat_t).Blocks*512))
	binary := x.build("sallyport/cmd/sallyport", "-s -w")
	x.fact("binary", megabytes(fileSize(x.t, binary)))
	os.Remove(binary)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

func fileSize(t *testing.T, name string) int64 {
	t.Helper()
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return st.Size()
}

// build compiles a command for this architecture as the image's are.
func (b *bench) build(command, ldflags string) string {
	out := filepath.Join(b.dir, "built")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", ldflags, "-o", out, command)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.name)
	if text, err := cmd.CombinedOutput(); err != nil {
		b.report.t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// badImages offers the tool that flashes what must not be flashed.
func (x *box) badImages() {
	target := filepath.Join(x.dir, "target")
	for _, bad := range []struct {
		what  string
		image func(*os.File) error
	}{
		{"cut in the middle", func(f *os.File) error { return f.Truncate(300 << 20) }},
		{"with a broken table", func(f *os.File) error { _, err := f.WriteAt(make([]byte, 512), 512); return err }},
	} {
		image := newDisk(x.t, x.image)
		f, err := os.OpenFile(image, os.O_RDWR, 0)
		if err != nil {
			x.t.Fatal(err)
		}
		if err := errors.Join(bad.image(f), f.Close(), os.WriteFile(target, []byte("old"), 0o600), os.Truncate(target, 1<<30)); err != nil {
			x.t.Fatal(err)
		}
		cmd := exec.Command(x.tool, "flash", "-disk", target, image)
		cmd.Stdin = strings.NewReader(target + "\n")
		text, err := cmd.CombinedOutput()
		head := make([]byte, 3)
		if f, e := os.Open(target); e == nil {
			io.ReadFull(f, head)
			f.Close()
		}
		if err == nil || string(head) != "old" {
			x.t.Errorf("an image %s was written:\n%s", bad.what, text)
		}
		x.fact("image "+bad.what, "refused: "+clip(lastLine(text)))
		os.Remove(image)
		os.Remove(target)
	}
}

// clip makes a line fit a cell of the results.
func clip(s string) string {
	s = strings.NewReplacer("|", "/", "\r", "", "\n", " ").Replace(strings.TrimSpace(s))
	if len(s) > 140 {
		s = s[:140] + "…"
	}
	return s
}

// garbage types what no person types; the line must be usable after it.
func (x *box) garbage() {
	r := rand.New(rand.NewPCG(1, 2))
	for range 40 {
		line := make([]byte, 100)
		for i := range line {
			line[i] = byte(r.UintN(256))
			if line[i] == 'r' || line[i] == 'R' {
				line[i] = 0
			}
		}
		x.vm.keys.Write(append(line, '\r'))
	}
	x.vm.keys.Write([]byte("\x03\x04\r"))
	x.keeps()
	x.fact("garbage on the serial line", "SSH and node unharmed")
}

// rss is what the node's process has in memory.
func (x *box) rss() string {
	out := x.ask("xStatus Hardware Memory")
	m := regexp.MustCompile(`Node: (\d+)`).FindStringSubmatch(out)
	if m == nil {
		x.t.Fatalf("the box does not tell:\n%s", out)
	}
	return m[1] + " MiB"
}

// firstAnswer starts the box and asks it by SIP until it answers. It has no
// certificate yet, so it is asked over plain TCP.
func (x *box) firstAnswer() {
	x.vm = powerOn(x.t, x.arch, x.disk)
	answer, err := "", error(nil)
	for late := time.Now().Add(patience()); answer == "" && time.Now().Before(late); time.Sleep(200 * time.Millisecond) {
		answer, err = options(x.vm.sip)
	}
	if answer == "" {
		x.t.Fatalf("no SIP answer: %v", err)
	}
	x.fact("power-on to first SIP answer", fmt.Sprint(x.vm.since()))
	x.t.Logf("OPTIONS: %s", answer)
	x.ssh = x.vm.dial(x.signer)
	x.keeps()
	x.fact("node's RSS at rest", x.rss())
}

// options asks a server over TCP what it can, and returns the first line of its
// answer. A stranger gets a refusal, which is an answer too.
func options(addr string) (string, error) {
	c, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprintf(c, "OPTIONS sip:box@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 10.0.2.2:5060;branch=z9hG4bKboot;rport\r\nMax-Forwards: 70\r\nFrom: <sip:boot@example.com>;tag=1\r\nTo: <sip:box@example.com>\r\nCall-ID: boot@example.com\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
	line := make([]byte, 64)
	n, err := io.ReadAtLeast(c, line, len("SIP/2.0 200"))
	if err != nil || !bytes.HasPrefix(line, []byte("SIP/2.0 ")) {
		return "", fmt.Errorf("%q: %w", line[:n], err)
	}
	first, _, _ := strings.Cut(string(line[:n]), "\r")
	return first, nil
}

// fault installs a system whose node has a fault and sees the box come back.
func (x *box) fault(fault string, n int) {
	running := x.running()
	update := x.faulty(fault, n)
	x.fresh()
	x.vm.ask(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(update))
	x.reboot()
	asked := time.Now()
	if _, err := x.vm.await(`starts, board [^,]*, slot `+other(running), patience()); err != nil {
		x.t.Fatal(err)
	}
	if _, err := x.vm.await(`starts, board [^,]*, slot `+running, 6*patience()); err != nil {
		x.t.Fatalf("%s: %v", fault, err)
	}
	x.fact("slot whose node does "+fault, fmt.Sprintf("slot %s again %v after the reboot was asked for", running, time.Since(asked).Round(time.Second)))
	x.ssh = x.vm.dial(x.signer)
	x.keeps()
}

func other(slot string) string {
	if slot == "a" {
		return "b"
	}
	return "a"
}

// running asks which slot the box runs from.
func (x *box) running() string {
	out := x.ask("xStatus SystemUnit Slot")
	name := regexp.MustCompile(`Name: "?(a|b|recovery)`)
	slot := ""
	for line := range strings.Lines(out) {
		if m := name.FindStringSubmatch(line); m != nil {
			slot = m[1]
		}
		if strings.Contains(line, "Running: True") {
			return slot
		}
	}
	x.t.Fatalf("no slot runs:\n%s", out)
	return ""
}

// faulty makes an update with a fault in it.
func (x *box) faulty(fault string, n int) []byte {
	return x.system(x.read(x.build("./testdata/faulty", "-X main.fault="+fault)), n)
}

// system makes the nth update from a binary, as mkimage does, in a fraction of
// its time: kernel and modules are unpacked once.
func (x *box) system(binary []byte, n int) []byte {
	if x.kernel == nil {
		x.unpack()
	}
	initrd, err := rootfs.Initramfs(binary, x.modules, x.release(n), time.Unix(1e9, 0))
	if err != nil {
		x.t.Fatal(err)
	}
	return x.sign(rootfs.Slot{Linux: x.kernel, Initrd: initrd}, n, x.keys())
}

func (x *box) unpack() {
	b, err := rootfs.FindBoard(x.board)
	if err != nil {
		x.t.Fatal(err)
	}
	inputs, err := rootfs.InputsDir()
	if err != nil {
		x.t.Fatal(err)
	}
	kernel, err := rootfs.LoadKernel(inputs, b)
	if err != nil {
		x.t.Fatal(err)
	}
	if x.modules, err = kernel.Choose(b.Arch); err != nil {
		x.t.Fatal(err)
	}
	x.kernel = kernel.Image
}

// swapped starts the box with a second interface in front of the first on the
// bus: the address must stay with the hardware that it was given to.
func (x *box) swapped() {
	x.vm.unplug()
	ssh, sip := freePort(x.t), freePort(x.t)
	x.vm = plug(x.t, x.arch, x.disk, ssh, "-netdev", "user,id=lan2,restrict=on,net=10.0.9.0/24", "-device", nic("lan2", secondMAC), "-netdev", userNet(ssh, sip), "-device", nic("lan1", firstMAC))
	x.ssh = x.vm.dial(x.signer)
	x.keeps()
	out := x.ask("xStatus NetworkInterface")
	_, one, _ := strings.Cut(out, "LAN: 1\n")
	one, _, _ = strings.Cut(one, "Link:")
	if !strings.Contains(one, firstMAC) {
		x.t.Fatalf("the first interface is another:\n%s", out)
	}
	x.fact("two NICs swapped", "the address stayed with its hardware; SSH and node unharmed")
	x.vm.unplug()
}

// readOnly starts the box from a disk that takes no writes: it must say so and
// offer recovery, and lose nothing.
func (x *box) readOnly() {
	ssh, sip := freePort(x.t), freePort(x.t)
	a := x.arch
	a.locked = true
	x.vm = plug(x.t, a, x.disk, ssh, "-netdev", userNet(ssh, sip), "-device", nic("lan1", firstMAC))
	said := x.vm.expect(`data: FAILED[^\n]*\n`)
	x.vm.expect(`r and Enter for recovery|Press Enter`)
	x.vm.typeLine("r")
	x.vm.expect(`recovery> `)
	x.vm.typeLine("1")
	x.vm.expect(`Trouble[^\n]*\n`)
	x.fact("read-only disk", "recovery menu; "+clip(said))
	x.vm.unplug()
	x.on()
	x.keeps()
	x.vm.unplug()
}

// recovery chooses the boot loader's recovery entry by hand.
func (x *box) recovery() {
	x.vm = powerOn(x.t, x.arch, x.disk)
	x.vm.expect(`sallyport recovery`)
	x.vm.keys.Write([]byte("\x1b[B"))
	x.vm.keys.Write([]byte("\r"))
	x.vm.expect(`starts, board [^,]*, slot recovery`)
	x.vm.expect(`Press Enter`)
	x.vm.typeLine("")
	x.vm.expect(`recovery> `)
	x.vm.typeLine("1")
	x.vm.expect(`Slot +recovery`)
	x.fact("recovery entry", fmt.Sprintf("menu %v after power-on", x.vm.since()))
	x.vm.unplug()
}

// factoryReset makes the box new again.
func (x *box) factoryReset() {
	x.on()
	if out, _ := tryAsk(x.ssh, "xCommand DefaultValuesSet Level: 3 !", nil); strings.Contains(out, "status=Error") {
		x.t.Fatal(out)
	}
	x.vm.expect(`to set up this box`)
	x.fact("factory reset", fmt.Sprintf("new %v after power-on", x.vm.since()))
	x.vm.unplug()
}

// smallData is a data partition that can be filled through the box's own doors.
const smallData = 72 << 20

// fullDisk fills the data partition by sftp and sees the box refuse politely,
// keep what it acknowledged over a power cut, and go on when there is room.
func (x *box) fullDisk() {
	x.disk = newDisk(x.t, x.image)
	shrink(x.t, x.disk, smallData)
	x.name = "boottest"
	x.on()
	update := x.goodFile()
	x.fresh()
	files := x.fill()
	out, err := tryAsk(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(update))
	if !strings.Contains(out, "on the data partition") {
		x.t.Fatalf("an update on a full disk: %v\n%s", err, out)
	}
	refused := clip(reason(out))
	answered := 0
	for n := range 20 {
		name := fmt.Sprintf("full-%d", n)
		if out, err := tryAsk(x.ssh, "xConfiguration SystemUnit Name: "+name, nil); err == nil && !strings.Contains(out, "status=Error") {
			x.name = name
			answered++
		}
	}
	x.vm.unplug()
	x.on()
	x.keeps()
	x.empty(files)
	x.ask(`xConfiguration SystemUnit Name: "roomy"`)
	x.name = "roomy"
	x.keeps()
	x.vm.unplug()
	x.fact("full disk", fmt.Sprintf("update refused (%s); %d of 20 settings were taken and kept over a power cut; all well with room again", refused, answered))
}

// fill writes files by sftp until no more goes in.
func (x *box) fill() (files []string) {
	c, err := sftp.NewClient(x.ssh)
	if err != nil {
		x.t.Fatal(err)
	}
	defer c.Close()
	for n := range 60 {
		name := fmt.Sprintf("fill-%d", n)
		f, err := c.Create(name)
		if err != nil {
			break
		}
		files = append(files, name)
		_, err = f.Write(make([]byte, 4<<20))
		if e := f.Close(); err != nil || e != nil {
			x.t.Logf("file %d: %v", n, err)
			return files
		}
	}
	x.t.Fatalf("%d files of 4 MiB did not fill the disk", len(files))
	return nil
}

func (x *box) empty(files []string) {
	c, err := sftp.NewClient(x.ssh)
	if err != nil {
		x.t.Fatal(err)
	}
	defer c.Close()
	for _, name := range files {
		if err := c.Remove(name); err != nil {
			x.t.Error(err)
		}
	}
}

// shrink makes a new image's disk so small that its data partition has a size.
func shrink(t *testing.T, disk string, data int64) {
	t.Helper()
	d, err := diskfs.Open(disk)
	if err != nil {
		t.Fatal(err)
	}
	table, err := d.GetPartitionTable()
	d.Close()
	if err != nil {
		t.Fatal(err)
	}
	g := table.(*gpt.Table)
	last := g.Partitions[len(g.Partitions)-1]
	for i := len(g.Partitions) - 1; last.Size == 0 && i > 0; i-- {
		last = g.Partitions[i-1]
	}
	last.Size = uint64(data)
	last.End = last.Start + last.Size/512 - 1
	if err := os.Truncate(disk, int64(last.End+1)*512+1<<20); err != nil {
		t.Fatal(err)
	}
	if err := g.Repair(uint64(last.End+1)*512 + 1<<20); err != nil {
		t.Fatal(err)
	}
	if d, err = diskfs.Open(disk); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Partition(g); err != nil {
		t.Fatal(err)
	}
}
