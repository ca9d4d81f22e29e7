package main

import (
	"strings"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/board"
	"sallyport/board/nic"
)

// TestSilentServer is told of while no DHCP server answers.
func TestSilentServer(t *testing.T) {
	book := alarm.NewBook(time.Now)
	for _, step := range []struct {
		links []nic.Interface
		want  string
	}{
		{[]nic.Interface{{LAN: 1, Name: "eth0", Silent: []string{"DHCP", "DHCPv6"}}, {LAN: 2, Name: "eth1"}}, "LAN 1 (eth0): no DHCP server answers. LAN 1 (eth0): no DHCPv6 server answers."},
		{[]nic.Interface{{LAN: 1, Name: "eth0"}, {LAN: 2, Name: "eth1", Silent: []string{"DHCP"}}}, "LAN 2 (eth1): no DHCP server answers."},
		{[]nic.Interface{{LAN: 1, Name: "eth0"}}, ""},
	} {
		lookLinks(book, step.links)
		got := ""
		for _, a := range book.List() {
			got += a.Detail
		}
		if got != step.want {
			t.Errorf("%q, want %q", got, step.want)
		}
	}
}

// TestHardwareAlarms raises each, and lowers it.
func TestHardwareAlarms(t *testing.T) {
	bad := board.Facts{
		Sensors: []board.Sensor{{Name: "cpu", Celsius: 97, Limit: 100}},
		Disks:   []board.Disk{{Name: "sda", Wear: -1}, {Name: "nvme0n1", Wear: 93}},
		Memory:  board.Memory{Total: 1 << 30, Available: 50 << 20},
	}
	book := alarm.NewBook(time.Now)
	lookHardware(book, bad, 90)
	var told []string
	for _, a := range book.List() {
		told = append(told, a.Detail)
	}
	got := strings.Join(told, "|")
	for _, want := range []string{"cpu: 97 C", "nvme0n1: 93 %", "50 of 1024 MiB"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not told: %s", want, got)
		}
	}
	lookHardware(book, bad, 0)
	if n := len(book.List()); n != 2 {
		t.Errorf("%d alarms without a level", n)
	}
	lookHardware(book, board.Facts{Disks: []board.Disk{{Name: "sda", Wear: -1}}}, 90)
	if n := len(book.List()); n != 0 {
		t.Errorf("%d alarms stay", n)
	}
}
