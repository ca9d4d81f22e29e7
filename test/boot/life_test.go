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
	"runtime"
	"strconv"
	"strings"
	"sync"
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
	r.try("power cuts after an update", x.cutTrials)
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
	mib, _ := strconv.ParseInt(m[1], 10, 64)
	return megabytes(mib << 20)
}

// firstAnswer starts the box and asks it by SIP until it answers. It has no
// certificate yet, so it is asked over plain TCP.
func (x *box) firstAnswer() {
	x.vm = powerOn(x.t, x.arch, x.disk)
	load := hostLoad()
	answer, after := x.vm.firstOptions()
	x.fact("power-on to first SIP answer", fmt.Sprintf("%v (%s)", after, load))
	x.t.Logf("OPTIONS: %s", answer)
	x.ssh = x.vm.dial(x.signer)
	x.keeps()
	x.fact("node's RSS at rest", x.rss())
}

// firstOptions asks a machine that starts again and again, each time anew: a
// connection from before its network was up is noticed late. It returns the first
// answer, and how long after power-on it came.
func (m *vm) firstOptions() (string, time.Duration) {
	m.t.Helper()
	answers := make(chan string)
	over := make(chan struct{})
	var asking sync.WaitGroup
	defer asking.Wait()
	defer close(over)
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience())
	for {
		asking.Go(func() {
			if a, err := options(m.sip); err == nil {
				select {
				case answers <- a:
				case <-over:
				}
			}
		})
		select {
		case a := <-answers:
			return a, m.since()
		case <-late:
			m.t.Fatalf("no SIP answer after %v", patience())
		case <-again.C:
		}
	}
}

// hostLoad says how busy the host is, for times that depend on it.
func hostLoad() string {
	b, err := os.ReadFile("/proc/loadavg")
	f := strings.Fields(string(b))
	if err != nil || len(f) == 0 {
		return "load of the host unknown"
	}
	load, _ := strconv.ParseFloat(f[0], 64)
	how := "quiet"
	if load > float64(runtime.NumCPU())*0.75 { // the machine itself takes one processor
		how = "busy"
	}
	return fmt.Sprintf("%s host: load %s before, %d processors", how, f[0], runtime.NumCPU())
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
	r := x.release(n)
	r.Keys = x.ownKeys() // or it would take no update after itself
	initrd, err := rootfs.Initramfs(binary, x.modules, r, time.Unix(1e9, 0))
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
	x.movedInterfaces()
}

// movedInterfaces has the box forget which hardware is meant and puts a card in
// front again: addresses go with the place, and an alarm must name both and go
// with the swap. A SATA disk that has come too is asked of its health.
func (x *box) movedInterfaces() {
	x.on()
	x.ask(`xConfiguration Ethernet 1 HardwareAddress: ""`)
	x.ask("confirm")
	x.eventually("xStatus NetworkInterface", "LAN: 1")
	x.vm.unplug()
	sata := filepath.Join(x.dir, "sata.img")
	if err := errors.Join(os.WriteFile(sata, nil, 0o600), os.Truncate(sata, 64<<20)); err != nil {
		x.t.Fatal(err)
	}
	ssh, sip := freePort(x.t), freePort(x.t)
	x.vm = plug(x.t, x.arch, x.disk, ssh, "-netdev", strings.Replace(userNet(ssh, sip), "id=lan1", "id=lan2", 1), "-device", nic("lan2", secondMAC),
		"-netdev", "user,id=lan1,restrict=on,net=10.0.9.0/24", "-device", nic("lan1", firstMAC),
		"-device", "ahci,id=ahci", "-drive", "if=none,id=sata,format=raw,file="+sata, "-device", "ide-hd,drive=sata,bus=ahci.0,rotation_rate=1")
	x.ssh = x.vm.dial(x.signer)
	out := x.eventually("xStatus Alarm", "changed places")
	for _, want := range []string{firstMAC, secondMAC, "Ethernet 1 HardwareAddress"} {
		if !strings.Contains(out, want) {
			x.t.Fatalf("the alarm does not name %s:\n%s", want, out)
		}
	}
	x.fact("two NICs swapped that nothing tells apart", "alarm \"Network interfaces changed places\" with both addresses and what to type")
	out = x.ask("xStatus Hardware")
	_, disk, _ := strings.Cut(out, `Name: "sda"`)
	if !strings.Contains(disk, "Health: Good") {
		x.t.Fatalf("the SATA disk does not tell of its health:\n%s", out)
	}
	x.fact("SATA disk", "its SMART verdict is read: Health: Good")
	x.vm.unplug()
	x.on()
	x.ask(`xConfiguration Ethernet 1 HardwareAddress: "` + firstMAC + `"`)
	x.keeps()
	if out := x.ask("xStatus Alarm"); strings.Contains(out, "changed places") {
		x.t.Fatalf("the alarm stays:\n%s", out)
	}
	x.ask("confirm")
	x.vm.unplug()
}

// eventually asks until the answer has a text.
func (x *box) eventually(line, want string) (out string) {
	x.t.Helper()
	for late := time.Now().Add(patience()); time.Now().Before(late); time.Sleep(time.Second) {
		if out = x.ask(line); strings.Contains(out, want) {
			return out
		}
	}
	x.t.Fatalf("%s never shows %q:\n%s", line, want, out)
	return ""
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
		out, err := tryAsk(x.ssh, "xConfiguration SystemUnit Name: "+name, nil)
		switch {
		case err == nil && !strings.Contains(out, "status=Error"):
			x.name = name
			answered++
		case !strings.Contains(out, "disk full: "):
			x.t.Fatalf("a setting on a full disk: %v\n%s", err, out)
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

// empty removes what fill wrote; the last of it may not have reached the disk
// before the plug was out.
func (x *box) empty(files []string) {
	c, err := sftp.NewClient(x.ssh)
	if err != nil {
		x.t.Fatal(err)
	}
	defer c.Close()
	for _, name := range files {
		if err := c.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
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
