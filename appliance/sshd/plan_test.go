package sshd

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

const goodKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB/26XxGC66LqCMHcVVvvANzgQ9rXKs7Jx9gUvxqc4oh admin@laptop"

func TestPlanFrom(t *testing.T) {
	tests := []struct {
		name  string
		role  xapi.Role
		lines string
		want  string // listen | accounts | keys | idle
		err   string
	}{
		{"nothing set", xapi.Edge, "", "[0.0.0.0:22 [::]:22] | 0 | 0 | 30m0s", ""},
		{"inner interface of edge", xapi.Edge, "Ethernet 1 IP V4 Address: 127.10.0.1\nEthernet 2 IP V4 Address: 127.10.1.1",
			"[127.10.1.1:22] | 0 | 0 | 30m0s", ""},
		{"outside is LAN2", xapi.Edge, "Ethernet 1 IP V4 Address: 127.10.0.1\nEthernet 2 IP V4 Address: 127.10.1.1\nIP External Interface: LAN2",
			"[127.10.0.1:22] | 0 | 0 | 30m0s", ""},
		{"core, both families, own port", xapi.Core, "Ethernet 1 IP V4 Address: 127.10.1.2\nEthernet 1 IP V6 Address: ::1\nAdministration SSH Port: 2022",
			"[127.10.1.2:2022 [::1]:2022] | 0 | 0 | 30m0s", ""},
		{"off", xapi.Core, "Administration SSH Mode: Off", "[] | 0 | 0 | 30m0s", ""},
		{"account", xapi.Core, "Authentication Account Admin Account 1 Name: admin\nAuthentication Account Admin Account 1 Password: secret\nManagement Session InactivityTimeout: 0",
			"[0.0.0.0:22 [::]:22] | 1 | 0 | 0s", ""},
		{"account without password", xapi.Core, "Authentication Account Admin Account 1 Name: admin", "[0.0.0.0:22 [::]:22] | 0 | 0 | 30m0s", ""},
		{"account that is off", xapi.Core, "Authentication Account Admin Account 1 Name: admin\nAuthentication Account Admin Account 1 Password: secret\nAuthentication Account Admin Account 1 Enabled: Off\nAdministration SSH AuthorizedKey 1 Key: \"" + goodKey + "\"",
			"[0.0.0.0:22 [::]:22] | 0 | 0 | 30m0s", ""},
		{"key", xapi.Core, "Administration SSH AuthorizedKey 3 Key: \"" + goodKey + "\"", "[0.0.0.0:22 [::]:22] | 0 | 1 | 30m0s", ""},
		{"bad key", xapi.Core, "Administration SSH AuthorizedKey 1 Key: nonsense\nAdministration SSH AuthorizedKey 2 Key: \"" + goodKey + "\"",
			"[0.0.0.0:22 [::]:22] | 0 | 1 | 30m0s", "AuthorizedKey 1"},
		{"key with options", xapi.Core, "Administration SSH AuthorizedKey 1 Key: \"no-pty " + goodKey + "\"", "[0.0.0.0:22 [::]:22] | 0 | 0 | 30m0s", "no-pty"},
	}
	for _, test := range tests {
		p, err := PlanFrom(config.NewSnapshotForTest(test.role, test.lines), test.role)
		got := fmt.Sprintf("%v | %d | %d | %v", p.Listen, len(p.Accounts), len(p.Keys), p.Idle.Round(time.Second))
		if got != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got, test.want)
		}
		if (err != nil) != (test.err != "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got error %v, want one with %q", test.name, err, test.err)
		}
	}
}
