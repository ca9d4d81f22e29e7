package appliance

import (
	"net/netip"
	"runtime"
	"slices"
	"time"

	"sallyport/appliance/xapi"
)

// tree assembles everything that xStatus can show, from the node and its
// role.
func (n *Node) tree() *xapi.Node {
	t := xapi.NewNode("Status")
	n.systemUnit(t.Add("SystemUnit"))
	n.alarmList(t)
	n.interfaces(t.Add("NetworkInterface"))
	n.role.Status(t)
	n.nameWatch.report(t.Add("DNSCheck"))
	n.authorities(t.Add("Trust"))
	n.memory(t)
	if n.cfg.Host != nil {
		n.cfg.Host.Status(t)
	}
	slices.SortStableFunc(t.Children, func(a, b *xapi.Node) int { return compare(a.Name, b.Name) })
	return t
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func (n *Node) systemUnit(t *xapi.Node) {
	snap := n.store.Snapshot()
	t.Str("Name", n.Name())
	t.Str("Product", "sallyport")
	t.Leaf("Role", roleWord(n.cfg.Role))
	t.Int("Uptime", int(n.cfg.Clock().Sub(n.started).Seconds()))
	t.Str("SystemTime", stamp(n.cfg.Clock()))
	t.Str("LocalTime", n.localTime(snap))
	t.Add("Software").Str("Version", n.cfg.Version)
	c := t.Add("Configuration").Int("Revision", snap.Rev())
	if p := n.store.Pending(); p != nil {
		c.Str("Pending", stamp(p.Deadline))
	}
	t.Add("Secrets").Str("KeyLocation", n.keyPlace())
}

// interfaces shows which address faces which side.
func (n *Node) interfaces(t *xapi.Node) {
	snap := n.store.Snapshot()
	outside := snap.Outside(n.cfg.Role)
	for lan := 1; lan <= 2; lan++ {
		v4, v6 := snap.Interface(lan)
		for _, a := range []netip.Addr{v4, v6} {
			if !a.IsValid() {
				continue
			}
			side := "Inside"
			if n.cfg.Role == xapi.Edge && slices.Contains(outside, a) {
				side = "Outside"
			}
			t.Nth("LAN", lan).Str("Address", a.String()).Leaf("Side", side)
		}
	}
}

// memory adds what the process holds to the role's usage.
func (n *Node) memory(t *xapi.Node) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	for _, c := range t.Children {
		if c.Name == "ResourceUsage" {
			c.Int("Memory", int(m.Sys-m.HeapReleased))
		}
	}
}

func roleWord(r xapi.Role) string {
	if r == xapi.Edge {
		return "Edge"
	}
	return "Core"
}

func (n *Node) alarmList(t *xapi.Node) {
	list := n.alarms.List()
	for i, a := range list {
		e := t.Nth("Alarm", i+1)
		e.Int("ID", a.Alarm.ID)
		e.Str("Title", a.Alarm.Title)
		e.Leaf("Severity", a.Alarm.Severity)
		e.Str("Key", a.Key)
		e.Str("Detail", a.Detail)
		e.Str("Raised", stamp(a.Since))
		e.Leaf("Acknowledged", yesNo(a.Acknowledged))
	}
	if len(list) == 0 {
		t.Add("Alarm")
	}
}

func yesNo(b bool) string {
	if b {
		return "Yes"
	}
	return "No"
}

// stamp is how a time reads in status.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}

// Name is what the node calls itself.
func (n *Node) Name() string {
	if name := n.store.Snapshot().Str(xapi.SystemUnitName); name != "" {
		return name
	}
	return n.cfg.Name
}
