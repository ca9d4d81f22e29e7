package boot

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sallyport/rootfs"
)

// TestProve runs all that takes too long for every day, on both architectures,
// and writes what it saw to RESULTS.md. SALLYPORT_CUTS says how many power cuts
// it makes; 50 unless said.
func TestProve(t *testing.T) {
	if !proving() {
		t.Skip("the long part; set SALLYPORT_PROVE=1 or run make prove")
	}
	var results []string
	for _, a := range []arch{amd64(), arm64()} {
		t.Run(a.name, func(t *testing.T) {
			b := newBench(t, a)
			x := &box{bench: b, t: t, disk: newDisk(t, b.image)}
			x.sizes()
			x.life()
			x.faults()
			x.recovery()
			x.factoryReset()
			x.randomCuts(cuts() / 2)
			results = append(results, b.facts...)
		})
	}
	if !t.Failed() && len(results) > 0 {
		writeResults(t, results)
	}
}

// sizes notes what design.md gives a budget for.
func (x *box) sizes() {
	packed := x.make(x.t, "image", "disk.img.zst")
	x.fact("image as downloaded", mib(x.t, packed))
	slot := len(readBoot(x.t, x.image, slotA+"/linux")) + len(readBoot(x.t, x.image, slotA+"/initrd"))
	x.fact("one slot on disk", fmt.Sprintf("%.1f MiB", float64(slot)/(1<<20)))
	os.Remove(packed)
}

func mib(t *testing.T, name string) string {
	t.Helper()
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%.1f MiB", float64(st.Size())/(1<<20))
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

// life is the everyday story.
func (x *box) life() {
	x.sameBytes(x.t)
	x.firstBoot()
	x.garbage()
	x.powerCuts(3)
	x.refusals()
	x.goodUpdate()
	x.badUpdate()
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

// faults installs systems with a fault each and sees the box come back.
func (x *box) faults() {
	for i, fault := range []string{"crash", "hang"} {
		x.on()
		running := x.running()
		x.vm.ask(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(x.faulty(fault, 3+i)))
		x.reboot()
		if _, err := x.vm.await(`starts, board [^,]*, slot `+other(running), patience); err != nil {
			x.t.Fatal(err)
		}
		if _, err := x.vm.await(`starts, board [^,]*, slot `+running, 25*time.Minute); err != nil {
			x.t.Fatalf("%s: %v", fault, err)
		}
		x.ssh = x.vm.dial(x.signer)
		x.keeps()
		x.fact("slot whose node does "+fault, fmt.Sprintf("old slot back %v after the reboot was asked for", x.vm.since()))
		x.vm.unplug()
	}
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
	t := x.t
	out := filepath.Join(x.dir, "faulty-"+fault)
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-X main.fault="+fault, "-o", out, "./testdata/faulty")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+x.arch.name)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	b, err := rootfs.FindBoard(x.board)
	if err != nil {
		t.Fatal(err)
	}
	inputs, err := rootfs.InputsDir()
	if err != nil {
		t.Fatal(err)
	}
	kernel, err := rootfs.LoadKernel(inputs, b)
	if err != nil {
		t.Fatal(err)
	}
	modules, err := kernel.Choose(b.Arch)
	if err != nil {
		t.Fatal(err)
	}
	initrd, err := rootfs.Initramfs(x.read(out), modules, x.release(n), time.Unix(1e9, 0))
	if err != nil {
		t.Fatal(err)
	}
	return x.sign(rootfs.Slot{Linux: kernel.Image, Initrd: initrd}, n, x.keys())
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

func cuts() int {
	if n, err := strconv.Atoi(os.Getenv("SALLYPORT_CUTS")); err == nil {
		return n
	}
	return 50
}

// randomCuts changes the name again and again, with an update on its way every
// third time, and pulls the plug at any moment. What was acknowledged must be
// there, and the slot that was running must start.
func (x *box) randomCuts(n int) {
	r := rand.New(rand.NewPCG(3, 4))
	x.disk = newDisk(x.t, x.image)
	x.name = "boottest"
	for i := range n {
		x.on()
		name := x.nameNow()
		if at, floor := number(name), number(x.name); at != floor && at != floor+1 {
			x.t.Fatalf("cut %d: %s was acknowledged, %s is there", i, x.name, name)
		}
		x.name = name
		if x.running() != "a" {
			x.t.Fatalf("cut %d: a half-written slot was started", i)
		}
		x.cutWhileBusy(r, i%3 == 2)
	}
	x.on()
	x.vm.unplug()
	x.fact("power cuts at random points", fmt.Sprintf("%d, every third in an update; nothing acknowledged was lost", n))
}

func (x *box) nameNow() string {
	out := x.ask("xStatus SystemUnit Name")
	m := regexp.MustCompile(`Name: "([^"]+)"`).FindStringSubmatch(out)
	if m == nil {
		x.t.Fatalf("the box has no name:\n%s", out)
	}
	return m[1]
}

// number is the n of cut-n; 0 for a name from before.
func number(name string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(name, "cut-"))
	return n
}

// cutWhileBusy keeps the box busy until the plug is out.
func (x *box) cutWhileBusy(r *rand.Rand, updating bool) {
	var busy sync.WaitGroup
	if updating {
		busy.Go(func() { tryAsk(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(x.goodFile())) })
	}
	busy.Go(func() {
		for n := number(x.name) + 1; ; n++ {
			name := fmt.Sprintf("cut-%d", n)
			if _, err := tryAsk(x.ssh, "xConfiguration SystemUnit Name: "+name, nil); err != nil {
				return
			}
			x.name = name
		}
	})
	time.Sleep(time.Duration(r.IntN(4000)) * time.Millisecond)
	x.vm.unplug()
	x.ssh.Close()
	busy.Wait()
}

// writeResults puts what was seen beside the tests, each row with commit and
// date. Rows of parts that did not run now stay as they are.
func writeResults(t *testing.T, facts []string) {
	t.Helper()
	out, _ := exec.Command("git", "describe", "--always", "--dirty").Output()
	stamp := fmt.Sprintf(" %s | %s |", strings.TrimSpace(string(out)), time.Now().UTC().Format("2006-01-02"))
	rows, seen := []string{}, map[string]bool{}
	for _, f := range facts {
		rows, seen[what(f)] = append(rows, f+stamp), true
	}
	old, _ := os.ReadFile("RESULTS.md")
	for line := range strings.Lines(string(old)) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "64: ") && strings.HasPrefix(line, "|") && !seen[what(line)] {
			rows = append(rows, line)
		}
	}
	slices.Sort(rows)
	text := "# Firmware in QEMU, without KVM\n\nWritten by `make prove`. Times depend on the host and its load: compare them within one run only.\n\n| what | seen | commit | date |\n|---|---|---|---|\n" + strings.Join(rows, "\n") + "\n"
	if err := os.WriteFile("RESULTS.md", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// what is a row's first cell.
func what(row string) string {
	cells := strings.Split(row, "|")
	return strings.TrimSpace(cells[min(1, len(cells)-1)])
}
