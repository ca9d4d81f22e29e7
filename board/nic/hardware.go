package nic

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/vishvananda/netlink"
)

// hardware lists the interfaces that have a device behind them, by where the
// device sits: the order in which drivers come up differs from start to start.
func hardware() []string { return hardwareBelow("/sys") }

func hardwareBelow(sys string) []string {
	dirs, _ := filepath.Glob(filepath.Join(sys, "class/net/*"))
	type place struct{ path, name string }
	var found []place
	for _, d := range dirs {
		device, err := filepath.EvalSymlinks(filepath.Join(d, "device"))
		if err != nil {
			continue
		}
		found = append(found, place{device, filepath.Base(d)})
	}
	sort.Slice(found, func(i, j int) bool {
		if found[i].path != found[j].path {
			return found[i].path < found[j].path
		}
		return found[i].name < found[j].name
	})
	var names []string
	for _, p := range found {
		names = append(names, p.name)
	}
	return names
}

// names says which interface is which LAN. Hardware that is meant by its
// address is taken first; the rest fill the places in bus order.
func (n *Network) names() (map[int]string, []error) {
	free := n.cfg.Hardware()
	names := map[int]string{}
	var errs []error
	for _, l := range n.plan.Links {
		if l.MAC == "" {
			continue
		}
		i := indexMAC(free, l.MAC)
		if i < 0 {
			errs = append(errs, fmt.Errorf("LAN %d: no interface has the address %s", l.LAN, l.MAC))
			continue
		}
		names[l.LAN] = free[i]
		free = append(append([]string{}, free[:i]...), free[i+1:]...)
	}
	for _, l := range n.plan.Links {
		if l.MAC == "" && len(free) > 0 {
			names[l.LAN], free = free[0], free[1:]
		}
	}
	return names, errs
}

func indexMAC(names []string, mac string) int {
	want, err := net.ParseMAC(mac)
	if err != nil {
		return -1
	}
	for i, name := range names {
		if l, err := netlink.LinkByName(name); err == nil && l.Attrs().HardwareAddr.String() == want.String() {
			return i
		}
	}
	return -1
}

// Interface is what the machine says of one of its interfaces.
type Interface struct {
	LAN       int // 0: not in the plan
	Name      string
	MAC       string
	Up        bool   // it has a carrier
	Speed     string // "1000full"; empty where it does not say
	Addresses []string
	RxErrors  uint64
	TxErrors  uint64
	RxBytes   uint64
	TxBytes   uint64
	RxPackets uint64
	TxPackets uint64
	Dropped   uint64   // for want of room, both ways
	Silent    []string `json:",omitempty"` // "DHCP", "DHCPv6": who is asked again and again and does not answer
}

// Interfaces lists the machine's hardware as it is now.
func (n *Network) Interfaces() []Interface {
	n.mu.Lock()
	defer n.mu.Unlock()
	names, _ := n.names()
	var out []Interface
	for _, name := range n.cfg.Hardware() {
		l, err := netlink.LinkByName(name)
		if err != nil {
			continue
		}
		i := describe(l)
		for lan, taken := range names {
			if taken == name {
				i.LAN, i.Silent = lan, n.silence(lan)
			}
		}
		out = append(out, i)
	}
	return out
}

func describe(l netlink.Link) Interface {
	a := l.Attrs()
	i := Interface{Name: a.Name, MAC: a.HardwareAddr.String(), Up: a.OperState == netlink.OperUp}
	if s := a.Statistics; s != nil {
		i.RxErrors, i.TxErrors, i.RxBytes, i.TxBytes = s.RxErrors, s.TxErrors, s.RxBytes, s.TxBytes
		i.RxPackets, i.TxPackets, i.Dropped = s.RxPackets, s.TxPackets, s.RxDropped+s.TxDropped
	}
	dir := filepath.Join("/sys/class/net", a.Name)
	if speed := text(dir, "speed"); speed != "" && !strings.HasPrefix(speed, "-") {
		i.Speed = speed + text(dir, "duplex")
	}
	addrs, _ := netlink.AddrList(l, netlink.FAMILY_ALL)
	for _, x := range addrs {
		i.Addresses = append(i.Addresses, x.IPNet.String())
	}
	return i
}

func text(dir, name string) string {
	b, _ := os.ReadFile(filepath.Join(dir, name))
	return strings.TrimSpace(string(b))
}
