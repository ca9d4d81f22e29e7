package boot

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// cutting is a box whose plug is pulled again and again.
type cutting struct {
	*box
	random *rand.Rand
	slot   string        // the one that must start next
	serial int           // of the newest update that got in
	next   []byte        // the update after it
	binary []byte        // in all of them
	start  time.Duration // from power-on to SSH: the measure of this host

	commits, updates, landed, fell int // cuts in either work; updates that were whole, and not, after the cut
	acked                          int // commits that were acknowledged
}

// randomCuts changes the name again and again, with an update on its way every
// third time, and pulls the plug at any moment. After each start what was
// acknowledged must be there, and a slot must be the old system or the new one
// whole. SALLYPORT_CUTS says how often, 50 unless said; it ends early, and says
// so, after SALLYPORT_MINUTES.
func randomCuts(t *testing.T, r *report, a arch) {
	b := newBench(t, a)
	b.report = r
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	c := &cutting{box: &box{bench: b, t: t, disk: newDisk(t, b.image), name: "boottest"}, random: rand.New(rand.NewPCG(seed, 1)), slot: "a"}
	c.binary = c.read(c.build("sallyport/cmd/sallyport", "-s -w"))
	wanted, late := setting("SALLYPORT_CUTS", 50), r.begin.Add(time.Duration(setting("SALLYPORT_MINUTES", 80))*time.Minute)
	done := 0
	for ; done < wanted && time.Now().Before(late); done++ {
		r.step = fmt.Sprintf("cut %d, seed %d", done+1, seed)
		c.once(done%3 == 2)
	}
	r.step = fmt.Sprintf("the start after cut %d, seed %d", done, seed)
	c.back()
	c.vm.unplug()
	c.tell(done, wanted)
}

func (c *cutting) tell(done, wanted int) {
	says := fmt.Sprintf("%d of %d", done, wanted)
	if done < wanted {
		says += " (the time was over)"
	}
	c.fact("power cuts at random points", fmt.Sprintf("%s: %d in commits, %d in updates; nothing acknowledged was lost in %d commits", says, c.commits, c.updates, c.acked))
	c.fact("updates that were cut", fmt.Sprintf("%d left the old system alone, %d were whole and started; none was a mix", c.fell, c.landed))
}

// once starts the box, looks at it, and cuts it while it works.
func (c *cutting) once(updating bool) {
	c.back()
	var update []byte
	if updating {
		c.updates++
		update = c.update()
		c.fresh()
	} else {
		c.commits++
	}
	taken := c.cutWhileBusy(update)
	if updating {
		c.judge(update, taken)
	}
}

// back starts the box and sees that it is the one that it was.
func (c *cutting) back() {
	c.on()
	c.start = c.vm.since()
	name := c.nameNow()
	if at, floor := number(name), number(c.name); at != floor && at != floor+1 {
		c.t.Fatalf("%s was acknowledged, %s is there", c.name, name)
	}
	c.name = name
	c.blessed(c.slot)
	if runs := c.running(); runs != c.slot {
		c.t.Fatalf("slot %s runs, not %s", runs, c.slot)
	}
}

// update is the next that this box is offered, newer than all before; one that
// did not get in is offered again.
func (c *cutting) update() []byte {
	if c.next == nil {
		c.next = c.system(c.binary, c.serial+1)
	}
	return c.next
}

// cutWhileBusy keeps the box busy until the plug is out, and tells whether an
// update was acknowledged before.
func (c *cutting) cutWhileBusy(update []byte) (taken bool) {
	var busy sync.WaitGroup
	window := 4 * time.Second
	answered := make(chan struct{})
	whole := update != nil && c.updates%2 == 0
	if update != nil {
		busy.Go(func() {
			defer close(answered)
			out, err := tryAsk(c.ssh, "xCommand SystemUpgrade", bytes.NewReader(update))
			taken = err == nil && strings.Contains(out, "status=OK")
		})
	}
	if update != nil && !whole {
		window = max(window, c.start/2) // as long as an update takes on this host
	}
	busy.Go(func() {
		for n := number(c.name) + 1; ; n++ {
			name := fmt.Sprintf("cut-%d", n)
			if out, err := tryAsk(c.ssh, "xConfiguration SystemUnit Name: "+name, nil); err != nil || strings.Contains(out, "status=Error") {
				return
			}
			c.name = name
			c.acked++
		}
	})
	if whole { // every second update has its end; the plug is pulled soon after
		select {
		case <-answered:
		case <-time.After(patience()):
		}
	}
	time.Sleep(time.Duration(c.random.Int64N(int64(window))))
	c.vm.unplug()
	c.ssh.Close()
	busy.Wait()
	return taken
}

// judge looks at the boot partition of a box that lost its power in an update:
// the boot loader knows of the new system only if it is there, whole.
func (c *cutting) judge(update []byte, taken bool) {
	idle := other(c.slot)
	known := false
	for _, e := range strings.Fields(entries(c.t, c.disk)) {
		known = known || strings.HasPrefix(e, "slot-"+idle) && strings.Contains(string(readBoot(c.t, c.disk, "loader/entries/"+e)), "sallyport "+c.release(c.serial+1).Version+"\n")
	}
	if !known {
		if taken {
			c.t.Fatalf("the update was acknowledged and is gone; entries: %s", entries(c.t, c.disk))
		}
		c.fell++
		return
	}
	for _, part := range []string{"linux", "initrd"} {
		sum := sha256.Sum256(readBoot(c.t, c.disk, "sallyport/slot-"+idle+"/"+part))
		if !bytes.Contains(update[:min(len(update), 8<<10)], []byte(hex.EncodeToString(sum[:]))) {
			c.t.Fatalf("the boot loader starts slot %s, whose %s is not the update's", idle, part)
		}
	}
	c.landed++
	c.serial++
	c.slot, c.next = idle, nil
}

// cutAt pulls the plug when an update says how far it is: the first half is its
// way onto the data partition, the second into the slot.
func (x *box) cutAt(update []byte, part string) {
	x.t.Helper()
	s, err := x.ssh.NewSession()
	if err != nil {
		x.t.Fatal(err)
	}
	defer s.Close()
	s.Stdin = bytes.NewReader(update)
	out, err := s.StdoutPipe()
	if err != nil {
		x.t.Fatal(err)
	}
	if err := s.Start("xCommand SystemUpgrade"); err != nil {
		x.t.Fatal(err)
	}
	said := bufio.NewScanner(out)
	for said.Scan() {
		if strings.TrimSpace(said.Text()) == part {
			x.vm.unplug()
			return
		}
	}
	x.t.Fatalf("the update ended before it said %s", part)
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

// cutTrials pulls the plug after updates that were whole, and acknowledged, while
// their systems are on trial: at once, and as the new system begins. With a try
// left the new system must come up, without one the old; both with every setting
// that was acknowledged.
func (x *box) cutTrials() {
	binary := x.read(x.build("sallyport/cmd/sallyport", "-s -w"))
	old := x.running()
	fresh := other(old)
	x.cutAfter(x.system(binary, 3), fresh, 1)
	x.comesUp(fresh)
	x.blessed(fresh)
	x.fact("plug pulled after an update, and in its first try", fmt.Sprintf("slot %s came up in the second try and was blessed; nothing acknowledged was lost; entries %s", fresh, x.offEntries()))
	x.on()
	old, fresh = fresh, old
	x.cutAfter(x.system(binary, 4), fresh, 3)
	x.comesUp(old)
	x.fact("plug pulled after an update, and in all three tries", fmt.Sprintf("slot %s again; nothing acknowledged was lost; entries %s", old, x.offEntries()))
	x.on()
	if runs := x.running(); runs != old {
		x.t.Fatalf("slot %s runs, not %s", runs, old)
	}
}

// cutAfter installs an update, sets a name, and pulls the plug as soon as both
// are acknowledged; then as many times as the new system begins.
func (x *box) cutAfter(update []byte, fresh string, tries int) {
	x.t.Helper()
	x.fresh()
	if out := x.vm.ask(x.ssh, "xCommand SystemUpgrade", bytes.NewReader(update)); !strings.Contains(out, "status=OK") {
		x.t.Fatalf("the update was refused:\n%s", out)
	}
	name := "update-to-" + fresh
	x.ask("xConfiguration SystemUnit Name: " + name)
	x.name = name
	x.vm.unplug()
	if got := entries(x.t, x.disk); !strings.Contains(got, "slot-"+fresh+"+3.conf") {
		x.t.Fatalf("an update that was acknowledged is not on trial: %s", got)
	}
	for range tries {
		x.vm = powerOn(x.t, x.arch, x.disk)
		x.vm.expect(`starts, board [^,]*, slot ` + fresh)
		x.vm.unplug()
	}
}

// comesUp starts the box and sees that a slot runs and that nothing is lost.
func (x *box) comesUp(slot string) {
	x.t.Helper()
	x.vm = powerOn(x.t, x.arch, x.disk)
	x.vm.expect(`starts, board [^,]*, slot ` + slot)
	x.ssh = x.vm.dial(x.signer)
	if runs := x.running(); runs != slot {
		x.t.Fatalf("slot %s runs, not %s", runs, slot)
	}
	x.keeps()
}

// offEntries pulls the plug and reads the boot loader's choices.
func (x *box) offEntries() string {
	x.vm.unplug()
	return entries(x.t, x.disk)
}

// cutUpdate pulls the plug while an update goes into the other slot: the transfer
// is over and the slot half written.
func (x *box) cutUpdate() {
	running, before := x.running(), entries(x.t, x.disk)
	update := x.read(x.make(x.t, "update", "next.update", "-counter", counter(9), "-version", "cut"))
	x.fresh()
	x.cutAt(update, "70 %")
	after := entries(x.t, x.disk)
	if strings.Contains(after, "slot-"+other(running)+"+3") {
		x.t.Fatalf("the update was over before the plug was out: %s", after)
	}
	x.on()
	if got := x.running(); got != running {
		x.t.Fatalf("slot %s runs after a cut update, not %s", got, running)
	}
	x.keeps()
	x.fact("slot whose update was cut in the middle", fmt.Sprintf("slot %s again; entries %s, before %s", running, after, before))
}
