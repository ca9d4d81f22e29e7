package xmpp

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/trust"
)

// prosody is a running server. Everybody's password is "secret".
type prosody struct {
	addr netip.AddrPort
	log  string // file
}

// start runs prosody for some domains on an address, until the test ends.
func start(t *testing.T, ca *trust.CA, at netip.AddrPort, domains ...string) *prosody {
	t.Helper()
	bin, err := exec.LookPath("prosody")
	if err != nil {
		t.Skip("needs prosody: run scripts/setup.sh")
	}
	dir := t.TempDir()
	p := &prosody{at, filepath.Join(dir, "log")}
	cert, key, err := ca.Issue(trust.IssueOptions{Names: domains, Server: true})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), cert)
	write(t, filepath.Join(dir, "key.pem"), key)
	var conf bytes.Buffer
	fmt.Fprintf(&conf, `daemonize = false
run_as_root = true
pidfile = %[1]q
data_path = %[2]q
log = { { levels = { min = "debug" }, to = "file", filename = %[3]q } }
interfaces = { %[4]q }
c2s_ports = { %[5]d }
c2s_require_encryption = true
authentication = "internal_plain"
allow_registration = true
modules_enabled = { "roster", "saslauth", "tls", "disco", "ping", "register", "smacks", "carbons", "presence", "message", "iq", "posix" }
modules_disabled = { "s2s" }
smacks_hibernation_time = 60
ssl = { certificate = %[6]q, key = %[7]q }
`, filepath.Join(dir, "pid"), dir, p.log, at.Addr(), at.Port(), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	for _, d := range domains {
		fmt.Fprintf(&conf, "VirtualHost %q\n", d)
		for _, user := range []string{"alice", "bob", "carol", "dave", "erin", "frank", "gina", "hank"} {
			accounts := filepath.Join(dir, strings.ReplaceAll(d, ".", "%2e"), "accounts")
			if err := os.MkdirAll(accounts, 0o755); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(accounts, user+".dat"), []byte(`return { ["password"] = "secret"; };`))
		}
	}
	write(t, filepath.Join(dir, "prosody.cfg.lua"), conf.Bytes())
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, bin, "--config", filepath.Join(dir, "prosody.cfg.lua"))
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait()
		if t.Failed() {
			log, _ := os.ReadFile(p.log)
			t.Logf("prosody says:\n%s\n%s", out.Bytes(), log)
		}
	})
	for until := time.Now().Add(30 * time.Second); ; {
		c, err := net.Dial("tcp", at.String())
		if err == nil {
			c.Close()
			return p
		}
		if time.Now().After(until) {
			t.Fatalf("prosody does not listen: %v\n%s", err, out.Bytes())
		}
		time.Sleep(50 * time.Millisecond) // another process tells nobody
	}
}

func write(t *testing.T, file string, b []byte) {
	t.Helper()
	if err := os.WriteFile(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// saw tells whether a word is in prosody's log.
func (p *prosody) saw(word string) bool {
	log, _ := os.ReadFile(p.log)
	return bytes.Contains(log, []byte(word))
}
