package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/board/nic"
)

// TestPlaces tells of interfaces that changed their places between two starts
// until the administrator says which is meant, and of no others.
func TestPlaces(t *testing.T) {
	const one, two, three = "52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:00:00:00:03"
	file := filepath.Join(t.TempDir(), "places")
	links := func(macs ...string) (out []nic.Interface) {
		for i, m := range macs {
			lan := i + 1
			if lan > 2 {
				lan = 0
			}
			out = append(out, nic.Interface{LAN: lan, Name: "eth" + string(rune('0'+i)), MAC: m})
		}
		return out
	}
	for _, step := range []struct {
		what   string
		links  []nic.Interface
		pinned int
		want   string // in the alarm; "" = none
	}{
		{"a new box", links(one), 0, ""},
		{"a second interface", links(one, two), 0, ""},
		{"swapped", links(two, one), 0, `LAN 1 is ` + two + ` (eth0) now; it was ` + one + ` (eth1), which is LAN 2 now. To go back: xConfiguration Ethernet 1 HardwareAddress: "` + one + `"; to keep it so: xConfiguration Ethernet 1 HardwareAddress: "` + two + `".`},
		{"the other one is told of too", links(two, one), 0, `LAN 2 is ` + one + ` (eth1) now`},
		{"back again", links(one, two), 0, ""},
		{"swapped again", links(two, one), 0, `LAN 1 is `},
		{"LAN 1 is said to be so", links(two, one), 1, ""},
		{"and stays so", links(two, one), 0, ""},
		{"swapped back", links(one, two), 0, `LAN 1 is `},
		{"said of LAN 2", links(one, two), 2, ""},
		{"a third one in front", links(three, one, two), 0, `it was ` + two + ` (eth2), which is no LAN now`},
		{"taken out again", links(one, two), 0, ""},
		{"the first one replaced", links(three, two), 0, ""},
		{"the replacement goes elsewhere", links(two, three), 0, `it was ` + three},
		{"both are pinned", links(two, three), 3, ""},
		{"and stay so", links(two, three), 0, ""},
		{"one is missing", links(two), 0, ""},
		{"and comes back", links(three, two), 0, "LAN 1 is " + three},
	} {
		p := places{path: file} // as after a start
		for range 2 {           // what was told stays until something changes
			got, err := p.moved(step.links, func(lan int) bool { return step.pinned&lan != 0 })
			if err != nil || (got == "") != (step.want == "") || !strings.Contains(got, step.want) {
				t.Errorf("%s: %q %v", step.what, got, err)
			}
		}
	}
	os.WriteFile(file, []byte("no note"), 0o600)
	p := places{path: file}
	if got, err := p.moved(links(one, two), func(int) bool { return false }); got != "" || err != nil {
		t.Errorf("after a spoilt note: %q %v", got, err)
	}
}
