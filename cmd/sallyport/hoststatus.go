package main

import (
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/slot"
)

// Status adds what the machine says of itself.
func (h *host) Status(root *xapi.Node) {
	facts := board.Detect("/sys", "/proc")
	unit := branch(root, "SystemUnit")
	s, _ := boot.AskStatus()
	unit.Add("Hardware").Str("Model", strings.TrimSpace(facts.Vendor+" "+facts.Model)).Str("SerialNumber", facts.Serial).
		Str("Board", s.Board).Int("Uptime", int(s.Uptime.Seconds()))
	branch(unit, "Software").Leaf("Development", trueFalse(s.Development))
	h.slotStatus(unit, s.Slot)
	hardwareStatus(root.Add("Hardware"), facts)
	h.linkStatus(branch(root, "NetworkInterface"))
	h.timeStatus(root.Add("NTP"))
}

// branch finds a child, or makes it.
func branch(n *xapi.Node, name string) *xapi.Node {
	for _, c := range n.Children {
		if c.Name == name && c.Index == 0 {
			return c
		}
	}
	return n.Add(name)
}

func trueFalse(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func (h *host) slotStatus(unit *xapi.Node, running string) {
	for i, s := range h.slotList() {
		n := unit.Nth("Slot", i+1).Str("Name", s.Name).Str("Software", s.Title).Leaf("State", string(s.State))
		if s.State == slot.Trial {
			n.Int("TriesLeft", s.Left)
		}
		n.Leaf("Running", trueFalse(s.Name == running))
	}
}

func hardwareStatus(n *xapi.Node, f board.Facts) {
	for i, s := range f.Sensors {
		n.Nth("Temperature", i+1).Str("Name", s.Name).Int("Value", s.Celsius)
	}
	for i, d := range f.Disks {
		n.Nth("Disk", i+1).Str("Name", d.Name).Str("Model", d.Model).Int("Size", int(d.Bytes>>20))
	}
	if size, free, err := board.Room(boot.DataDir); err == nil {
		n.Add("Data").Int("Size", int(size>>20)).Int("Free", int(free>>20))
	}
}

func (h *host) linkStatus(n *xapi.Node) {
	for i, l := range h.network.Interfaces() {
		link := "Down"
		if l.Up {
			link = "Up"
		}
		e := n.Nth("Ethernet", i+1).Int("LAN", l.LAN).Str("Name", l.Name).Str("MacAddress", l.MAC).
			Leaf("Link", link).Str("Speed", l.Speed)
		for j, a := range l.Addresses {
			n := e.Nth("Address", j+1)
			n.Value, n.Text = a, true
		}
		e.Int("Errors", int(l.RxErrors+l.TxErrors))
	}
}

func (h *host) timeStatus(n *xapi.Node) {
	answers, synced := h.clock.Status()
	n.Leaf("Synchronized", trueFalse(time.Since(synced) < time.Hour))
	for i, a := range answers {
		condition := "good"
		if a.Err != nil {
			condition = a.Err.Error()
		}
		n.Nth("Server", i+1).Str("Address", a.Server).Str("Condition", condition).
			Int("Stratum", a.Stratum).Int("Offset", int(a.Offset.Milliseconds()))
	}
}

// Look keeps the machine's alarms.
func (h *host) Look(book *alarm.Book) {
	book.Set(xapi.AlarmDevelopment, "", h.release.Development, "Version "+h.release.Version+".")
	failed := ""
	for _, s := range h.slotList() {
		switch s.State {
		case slot.Failed:
			failed = s.Title
		case slot.Trial:
			h.readSlots() // process 1 may have blessed it by now
		}
	}
	book.Set(xapi.AlarmSlotFailed, "", failed != "", failed)
	unproven := h.unprovenZones()
	book.Set(xapi.AlarmKeptWithoutLink, "", unproven != "", "Zone "+unproven+".")
	answers, synced := h.clock.Status()
	book.Set(xapi.AlarmTimeServers, "", len(answers) > 0 && time.Since(synced) > time.Hour, "The clock runs by itself.")
	size, free, err := board.Room(boot.DataDir)
	book.Set(xapi.AlarmDiskFull, "", err == nil && free < size/10, fmt.Sprintf("%d of %d MiB are free.", free>>20, size>>20))
	fault := h.fault()
	book.Set(xapi.AlarmNetworkPlan, "", fault != "", fault)
	hot := ""
	for _, s := range board.Detect("/sys", "/proc").Sensors {
		if s.Limit > 0 && s.Celsius >= s.Limit-5 {
			hot = fmt.Sprintf("%s: %d C.", s.Name, s.Celsius)
		}
	}
	book.Set(xapi.AlarmHardware, "temperature", hot != "", hot)
}
