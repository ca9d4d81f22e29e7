package arch

import (
	"strings"
	"testing"
)

// floors is the house from the ground up. A package imports only packages of
// a lower number; planes (40) never import each other.
var floors = map[string]int{
	"appliance/xapi": 0, "appliance/sip": 0, "appliance/sdp": 0, "appliance/uc": 0,
	"appliance/allow": 0, "appliance/rtp": 0, "appliance/stun": 0, "appliance/quick": 0,
	"appliance/backup": 0,

	"appliance/alarm": 10, "appliance/overload": 20, "appliance/eventlog": 10, "appliance/run": 10,

	"appliance/config": 20, "appliance/state": 20, "appliance/trust": 20,

	"appliance/door": 30,

	"appliance/flow": 40, "appliance/signaling": 40, "appliance/zone": 40, "appliance/dnscheck": 40,
	"appliance/traversal": 40, "appliance/media": 40, "appliance/push": 40, "appliance/httpproxy": 40,
	"appliance/auth": 40, "appliance/discover": 40, "appliance/xmpp": 40, "appliance/turn": 40,

	"appliance/call": 45,

	"appliance/edge": 50, "appliance/core": 50,

	"appliance/shell": 60, "appliance/sshd": 61, "appliance/web": 61,

	"appliance": 70,
}

// faces may see tables, snapshots and status only, never a plane or a role;
// and the door that theirs is made of.
var faceMay = []string{
	"appliance/xapi", "appliance/config", "appliance/alarm",
	"appliance/eventlog", "appliance/trust", "appliance/run", "appliance/door", "appliance/shell",
}

func TestFloors(t *testing.T) {
	pkgs := house(t)
	for _, p := range sorted(pkgs) {
		for imp, file := range p.imports {
			target, ours := strings.CutPrefix(imp, module+"/")
			if !ours {
				continue
			}
			switch {
			case strings.HasPrefix(p.dir, "board") || strings.HasPrefix(p.dir, "rootfs"):
				if strings.HasPrefix(target, "appliance") {
					t.Errorf("%s/%s imports %s: the machine knows nothing of the appliance", p.dir, file, target)
				}
			case strings.HasPrefix(p.dir, "appliance"):
				checkFloor(t, p.dir, file, target)
			}
		}
		if strings.HasPrefix(p.dir, "appliance") {
			if _, known := floors[p.dir]; !known {
				t.Errorf("%s stands on no floor: add it to floors", p.dir)
			}
		}
	}
}

func checkFloor(t *testing.T, from, file, to string) {
	t.Helper()
	if strings.HasPrefix(to, "cmd") || strings.HasPrefix(to, "test") {
		t.Errorf("%s/%s imports %s: the appliance stands below tools and tests", from, file, to)
		return
	}
	if strings.HasPrefix(to, "board") || strings.HasPrefix(to, "rootfs") {
		t.Errorf("%s/%s imports %s: the appliance meets the machine through its own interface", from, file, to)
		return
	}
	mine, theirs := floors[from], floors[to]
	if theirs >= mine {
		t.Errorf("%s (floor %d) imports %s (floor %d) in %s: only lower floors", from, mine, to, theirs, file)
	}
	if mine >= 60 && mine < 70 && !contains(faceMay, to) {
		t.Errorf("%s/%s imports %s: a face sees tables, snapshots and status only", from, file, to)
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
