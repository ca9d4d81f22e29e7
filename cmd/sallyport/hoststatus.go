package main

import (
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/nic"
	"sallyport/board/slot"
)

// Status adds what the machine says of itself.
func (h *host) Status(root *xapi.Node) {
	facts := h.steward.Facts()
	unit := root.Branch("SystemUnit")
	s, _ := h.steward.Status()
	unit.Add("Hardware").Str("Model", strings.TrimSpace(facts.Vendor+" "+facts.Model)).Str("SerialNumber", facts.Serial).
		Str("Board", s.Board).Int("Uptime", int(s.Uptime.Seconds()))
	unit.Branch("Software").Leaf("Development", trueFalse(s.Development))
	h.slotStatus(unit, s.Slot)
	hardwareStatus(root.Add("Hardware"), facts)
	links, counts, _ := h.steward.Interfaces()
	linkStatus(root.Branch("NetworkInterface"), links)
	firewallStatus(root.Add("Firewall"), counts, h.store.Snapshot())
	h.timeStatus(root.Add("NTP"))
}

// firewallStatus shows how often each rule decided, and what it is for; the
// automatic ones have no number.
func firewallStatus(n *xapi.Node, counts []nic.Count, snap *config.Snapshot) {
	for i, c := range counts {
		r := n.Nth("Rule", i+1)
		if c.Rule.Index != 0 {
			r.Int("Number", c.Rule.Index).Str("Description", snap.Str(xapi.FirewallRuleDescription, c.Rule.Index))
		}
		r.Leaf("Action", [...]string{"Allow", "Drop", "Reject"}[c.Rule.Action]).
			Int("Packets", int(c.Packets)).Int("Bytes", int(c.Bytes))
	}
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
		e := n.Nth("Disk", i+1).Str("Name", d.Name).Str("Model", d.Model).Int("Size", int(d.Bytes>>20))
		if d.Wear >= 0 {
			e.Int("Wear", d.Wear)
		}
		if d.Tells {
			e.Leaf("Health", healthWord(d.Fails))
		}
	}
	for i, l := range f.LEDs {
		n.Nth("LED", i+1).Str("Name", l.Name).Leaf("Lit", trueFalse(l.Lit))
	}
	n.Leaf("TPM", trueFalse(f.TPM))
	n.Leaf("PowerButton", trueFalse(f.PowerButton))
	n.Add("Memory").Int("Size", int(f.Memory.Total>>20)).Int("Free", int(f.Memory.Available>>20)).Int("Node", int(board.Resident("/proc/self")>>20))
	if size, free, err := board.Room(boot.DataDir); err == nil {
		n.Add("Data").Int("Size", int(size>>20)).Int("Free", int(free>>20))
	}
}

func healthWord(fails bool) string {
	if fails {
		return "Failing"
	}
	return "Good"
}

func linkStatus(n *xapi.Node, links []nic.Interface) {
	for i, l := range links {
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
		e.Int("Errors", int(l.RxErrors+l.TxErrors)).Int("ReceiveErrors", int(l.RxErrors)).Int("SendErrors", int(l.TxErrors)).
			Int("Dropped", int(l.Dropped)).Int("Received", int(l.RxBytes>>20)).Int("Sent", int(l.TxBytes>>20))
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
	snap := h.store.Snapshot()
	sources, _ := managementSources(snap)
	book.Set(xapi.AlarmManagementOpen, "", oneArmed(snap, h.role) && len(sources) == 0, "No network is named.")
	unproven := h.unprovenZones()
	book.Set(xapi.AlarmKeptWithoutLink, "", unproven != "", "Zone "+unproven+".")
	answers, synced := h.clock.Status()
	book.Set(xapi.AlarmTimeServers, "", len(answers) > 0 && time.Since(synced) > time.Hour, "The clock runs by itself.")
	size, free, err := board.Room(boot.DataDir)
	book.Set(xapi.AlarmDiskFull, "", err == nil && free < size/10, fmt.Sprintf("%d of %d MiB are free.", free>>20, size>>20))
	links, _, applied := h.steward.Interfaces()
	fault := h.fault(applied)
	book.Set(xapi.AlarmNetworkPlan, "", fault != "", fault)
	lookHardware(book, h.steward.Facts(), snap.Int(xapi.ResourceWarningLevel))
	h.lookPlaces(book, links, snap)
	lookLinks(book, links)
}

// lookLinks keeps the alarms of what the network's interfaces meet.
func lookLinks(book *alarm.Book, links []nic.Interface) {
	silent := ""
	for _, l := range links {
		all, bad := l.RxPackets+l.TxPackets, l.RxErrors+l.TxErrors
		book.Set(xapi.AlarmHardware, "link "+l.Name, bad > linkErrors && bad > all/100, fmt.Sprintf("%s: %d of %d packets lost by faults.", l.Name, bad, all))
		for _, s := range l.Silent {
			silent = strings.TrimSpace(fmt.Sprintf("%s LAN %d (%s): no %s server answers.", silent, l.LAN, l.Name, s))
		}
	}
	book.Set(xapi.AlarmDHCPSilent, "", silent != "", silent)
}

// lookPlaces tells of interfaces that changed their places.
func (h *host) lookPlaces(book *alarm.Book, links []nic.Interface, snap *config.Snapshot) {
	moved, err := h.places.moved(links, func(lan int) bool {
		return (lan == 1 || lan == 2) && snap.Str(xapi.EthernetHardware, lan) != ""
	})
	if err != nil {
		h.log.Warn("which interface was which LAN cannot be noted", "err", err)
	}
	book.Set(xapi.AlarmInterfacesMoved, "", moved != "", moved)
}

// linkErrors is how many a link may have in its life before they count.
const linkErrors = 100

// wornOut is the part of a disk's life, in percent, from which it is time for
// another.
const wornOut = 90

// lookHardware keeps the alarms of what gets hot, wears out or runs short. level
// is a percentage; 0 warns of no shortage.
func lookHardware(book *alarm.Book, f board.Facts, level int) {
	hot, worn := "", ""
	for _, s := range f.Sensors {
		if s.Limit > 0 && s.Celsius >= s.Limit-5 {
			hot = fmt.Sprintf("%s: %d C.", s.Name, s.Celsius)
		}
	}
	for _, d := range f.Disks {
		switch {
		case d.Fails:
			worn = fmt.Sprintf("%s says that it will fail soon.", d.Name)
		case d.Wear >= wornOut:
			worn = fmt.Sprintf("%s: %d %% of its life is used up.", d.Name, d.Wear)
		}
	}
	book.Set(xapi.AlarmHardware, "temperature", hot != "", hot)
	book.Set(xapi.AlarmHardware, "disk", worn != "", worn)
	m := f.Memory
	short := level > 0 && m.Total > 0 && m.Available < m.Total/100*int64(100-level)
	book.Set(xapi.AlarmMemory, "", short, fmt.Sprintf("%d of %d MiB are free.", m.Available>>20, m.Total>>20))
}
