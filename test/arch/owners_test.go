package arch

import (
	"strings"
	"testing"
)

// owners says which packages may import a dependency, so that each can be
// replaced at one place. Tests and test worlds (test/...) are peers of the
// product and choose for themselves.
var owners = map[string][]string{
	"go.etcd.io/bbolt":                {"appliance/config", "appliance/state"},
	"github.com/emiago/sipgo":         {"appliance/sip"},
	"github.com/pion/":                {"appliance/rtp", "appliance/stun", "appliance/media", "appliance/turn"},
	"github.com/gliderlabs/ssh":       {"appliance/sshd"},
	"github.com/pkg/sftp":             {"appliance/sshd"},
	"golang.org/x/crypto/ssh":         {"appliance/sshd", "appliance/traversal"},
	"golang.org/x/term":               {"appliance/shell"},
	"github.com/vishvananda/netlink":  {"board/nic"},
	"github.com/google/nftables":      {"board/nic"},
	"golang.org/x/sys":                {"appliance/media", "appliance/flow", "board"},
	"github.com/miekg/dns":            {"appliance/zone", "appliance/dnscheck"}, // the second asks as clients elsewhere would, by client subnet
	"github.com/cilium/ebpf":          {"appliance/media"},
	"filippo.io/age":                  {"appliance/backup"},
	"github.com/diskfs/go-diskfs":     {"board/disk", "cmd/mkimage"},
	"github.com/google/uuid":          {"board/disk"},
	"github.com/insomniacslk/dhcp":    {"board/nic"},
	"github.com/google/go-tpm":        {"board/tpm"},
	"github.com/beevik/ntp":           {"board/clock"},
	"github.com/jedisct1/go-minisign": {"board/slot", "rootfs", "cmd/mkimage"},
	"github.com/klauspost/compress":   {"rootfs", "cmd/mkimage"},
	"github.com/go-jose/go-jose":      {"appliance/auth"},
	"github.com/crewjam/saml":         {"appliance/auth"},
	"github.com/russellhaering/":      {"appliance/auth"},
	"github.com/mattermost/":          {"appliance/auth"}, // one reading of a SAML document only
	"github.com/ulikunitz/xz":         {"rootfs"},
}

func TestDependencyOwners(t *testing.T) {
	for _, p := range sorted(house(t)) {
		if strings.HasPrefix(p.dir, "test") || strings.HasPrefix(p.dir, "cmd/lab") {
			continue
		}
		for imp, file := range p.imports {
			if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") || strings.HasPrefix(imp, module+"/") {
				continue
			}
			checkOwner(t, p.dir, file, imp)
		}
	}
}

func checkOwner(t *testing.T, dir, file, imp string) {
	t.Helper()
	best := ""
	for dep := range owners {
		if strings.HasPrefix(imp, dep) && len(dep) > len(best) {
			best = dep
		}
	}
	if best == "" {
		if strings.HasPrefix(imp, "golang.org/x/") {
			return // the toolchain's own extensions need no single owner
		}
		t.Errorf("%s/%s imports %s, which has no owner: add it to owners with the package that keeps it", dir, file, imp)
		return
	}
	for _, owner := range owners[best] {
		if dir == owner || strings.HasPrefix(dir, owner+"/") {
			return
		}
	}
	t.Errorf("%s/%s imports %s, owned by %v", dir, file, imp, owners[best])
}
