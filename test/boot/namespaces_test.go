package boot

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// passedNames lists each test once, and of its parts the whole only: a test that
// runs itself again in a namespace shows the inner run too.
func passedNames(passed [][]string) (names []string) {
	for _, p := range passed {
		name, _, _ := strings.Cut(p[1], "/seed#")
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// namespaces runs the tests of the network that need no whole machine: static
// NAT, two interfaces, VLANs, DHCP, the firewall, each in network namespaces of
// its own. One that skips has shown nothing, so it fails here.
func namespaces(t *testing.T, r *report) {
	if os.Getuid() != 0 {
		t.Fatal("making network namespaces needs root")
	}
	for _, set := range []struct{ what, pkg, tests string }{
		{"dual NIC, VLAN, routes, DHCP, firewall", "sallyport/board/nic", "."},
		{"dual NIC and static NAT, with calls", "sallyport/test/netns", "TestSallyport/(register-and-call-strict-TCP|static-nat)"},
		{"full and read-only disks under an update", "sallyport/board/slot", "TestDisksThatAreFullOrReadOnly"},
	} {
		r.try(set.what, func() {
			out, err := exec.Command("go", "test", "-count=1", "-v", "-run", set.tests, set.pkg).CombinedOutput()
			passed := regexp.MustCompile(`(?m)^ *--- PASS: (\S+)`).FindAllStringSubmatch(string(out), -1)
			if err != nil || len(passed) == 0 || strings.Contains(string(out), "--- SKIP") {
				t.Fatalf("%v\n%s", err, out)
			}
			r.fact(t, set.what, strings.Join(passedNames(passed), ", "))
		})
	}
}
