package netns

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Binary builds cmd/sallyport for a test, or skips it saying why it cannot.
func Binary(t testing.TB) string {
	t.Helper()
	if main, _ := filepath.Glob("../../cmd/sallyport/*.go"); len(main) == 0 {
		t.Skip("there is no cmd/sallyport yet")
	}
	bin := filepath.Join(t.TempDir(), "sallyport")
	c := exec.Command("go", "build", "-o", bin, "sallyport/cmd/sallyport")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		t.Skipf("cmd/sallyport does not build: %v\n%s", err, out)
	}
	return bin
}

// Node is a running edge or core.
type Node struct {
	*Process
	space     *Space
	bin, role string
	data      string
}

// StartNode is the one place that knows how a node is started and set up: its
// data folder holds config.txt with xConfiguration lines that an empty store
// takes in, and trust/ with the certificate (key and chain in server.pem) and
// the authorities (ca.pem).
func (s *Space) StartNode(bin, role string, id Identity, ca *Authority, config []string) *Node {
	s.net.t.Helper()
	data := s.net.t.TempDir()
	if err := os.Mkdir(filepath.Join(data, "trust"), 0o700); err != nil {
		s.net.t.Fatal(err)
	}
	write(s.net.t, filepath.Join(data, "trust", "server.pem"), read(s.net.t, id.Key)+read(s.net.t, id.Cert))
	write(s.net.t, filepath.Join(data, "trust", "ca.pem"), read(s.net.t, ca.File))
	write(s.net.t, filepath.Join(data, "config.txt"), strings.Join(config, "\n")+"\n")
	n := &Node{space: s, bin: bin, role: role, data: data}
	n.Start()
	return n
}

// Start runs the node (again) on its data.
func (n *Node) Start() {
	n.space.net.t.Helper()
	n.Process = n.space.Start(n.bin, "run", "-role", n.role, "-data", n.data)
}

// Shell gives the administrator's shell of the node one line.
func (n *Node) Shell(line string) string {
	n.space.net.t.Helper()
	return n.space.Run(n.bin, "shell", "-data", n.data, line)
}

// linkStatus is what the node says of its traversal zone, which is the first.
func (n *Node) linkStatus() string {
	n.space.net.t.Helper()
	for _, line := range strings.Split(n.Shell("xStatus Zones"), "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "Status" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Listens waits until the node listens on a TCP address.
func (n *Node) Listens(addr string) {
	n.space.net.t.Helper()
	Until(n.space.net.t, giveUp, n.role+" listens on "+addr, func() bool {
		select {
		case <-n.done:
			n.space.net.t.Fatalf("%s ended", n.Name)
		default:
		}
		return strings.Contains(n.space.Run("ss", "-Hltn"), addr+" ")
	})
}

// Options of the pair that a story may vary.
type Options struct {
	Path      PathMode // of the registrar
	Transport string   // TCP or TLS between core and the registrar
	StaticNAT bool     // edge's outer address is translated one to one
	IPv6      bool     // core meets the registrar by IPv6
}

// Domain is the domain of every story.
const Domain = "example.test"

// EdgeConfig is an edge as an operator sets it up.
func EdgeConfig(o Options) []string {
	outer, nat := EdgeOutside, "Off"
	if o.StaticNAT {
		outer, nat = EdgeHidden, "On"
	}
	return xConfiguration(
		"SystemUnit Name", "edge",
		"Ethernet 1 IP V4 Address", EdgeInner,
		"Ethernet 2 IP V4 Address", outer,
		"Ethernet 2 IP V4 StaticNAT Mode", nat,
		"Ethernet 2 IP V4 StaticNAT Address", EdgeOutside,
		"IP External Interface", "LAN2",
		"IP DNS Hostname", "edge",
		"IP DNS Domain Name", Domain,
		"CollaborationEdge Enabled", "On",
		"SIP Domain 1 Name", Domain,
		"SIP Domain 1 Sip", "On",
		"SIP Domain 1 Edge", "On",
		"Zones Zone 1 Name", "to core",
		"Zones Zone 1 Type", "TraversalServer",
		"Zones Zone 1 TraversalServer SIP Port", "7001",
		"Zones Zone 1 TraversalServer SIP TLS Verify Mode", "On",
		"Zones Zone 1 TraversalServer SIP TLS Verify Subject Name", "core."+Domain,
		"Zones Zone 1 TraversalServer Collaboration Edge", "On",
		"Zones Zone 1 TraversalServer TCPProbe KeepAliveInterval", "2",
		"Zones Zone 1 TraversalServer TCPProbe RetryInterval", "1",
		"Zones Zone 1 TraversalServer TCPProbe RetryCount", "2",
	)
}

// CoreConfig is a core as an operator sets it up for a registrar.
func CoreConfig(o Options) []string {
	path, line, port := "Yes", "On", "5061"
	if o.Path == PathOff {
		path, line = "No", "Off"
	}
	if o.Transport == "TCP" {
		port = "5060"
	}
	ucm := UCMAddr
	if o.IPv6 {
		ucm = UCMAddr6
	}
	lines := xConfiguration(
		"SystemUnit Name", "core",
		"Ethernet 1 IP V4 Address", CoreAddr,
		"IP DNS Hostname", "core",
		"IP DNS Domain Name", Domain,
		"CollaborationEdge Enabled", "On",
		"CollaborationEdge RFC3327Enabled", line,
		"SIP TCP Mode", "On",
		"SIP UDP Mode", "On",
		"SIP Domain 1 Name", Domain,
		"SIP Domain 1 Sip", "On",
		"SIP Domain 1 Edge", "On",
		"SIP Domain 1 Authzone", "ucm",
		"Zones Zone 1 Name", "to edge",
		"Zones Zone 1 Type", "TraversalClient",
		"Zones Zone 1 TraversalClient Peer 1 Address", EdgeInner,
		"Zones Zone 1 TraversalClient SIP Port", "7001",
		"Zones Zone 1 TraversalClient RetryInterval", "2",
		"Zones Zone 2 Name", "ucm",
		"Zones Zone 2 Type", "Neighbor",
		"Zones Zone 2 Neighbor Peer 1 Address", ucm,
		"Zones Zone 2 Neighbor SIP Port", port,
		"Zones Zone 2 Neighbor SIP Transport", o.Transport,
		"Zones Zone 2 Neighbor SIP TLS Verify Mode", "On",
		"Zones Zone 2 Neighbor SIP RFC3327 Enabled", path,
		"Zones Zone 2 Neighbor SIP Media Encryption Mode", "Off", // carol speaks plain RTP
		"Zones Policy SearchRules Rule 1 Name", "calls to the registrar",
		"Zones Policy SearchRules Rule 1 Mode", "AnyAlias",
		"Zones Policy SearchRules Rule 1 Target Type", "Zone",
		"Zones Policy SearchRules Rule 1 Target Name", "ucm",
	)
	if o.IPv6 {
		lines = append(lines, xConfiguration("Ethernet 1 IP V6 Address", CoreAddr6)...)
	}
	return lines
}

// xConfiguration writes path and value pairs as the shell takes them.
func xConfiguration(pairs ...string) []string {
	var lines []string
	for i := 0; i+1 < len(pairs); i += 2 {
		lines = append(lines, "xConfiguration "+pairs[i]+`: "`+pairs[i+1]+`"`)
	}
	return lines
}
