package boot

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"sallyport/appliance/trust"
	"sallyport/test/lab"
)

// Two boxes from the same image, and this host as the outside and as the UC
// world. What QEMU's user network calls 10.0.2.2 is this host's 127.0.0.1.
//
//	softphone ─▶ 10.0.2.15 edge 10.77.0.1 ◀─ wire ─▶ 10.77.0.2 core 10.0.2.15 ─▶ 10.0.2.2 registrar, web
//
// Edge's shell is on the inner side only, so a second user network, which has a
// port for it, hangs at the switch between the two boxes.
const (
	edgeName = "edge.example.com"
	coreName = "core.example.com"
	edgeWire = "10.77.0.1"
	coreWire = "10.77.0.2"
	outer    = "10.0.2.15"
	host     = "10.0.2.2"
)

// twoBoxes registers a softphone and fetches a page through two booted boxes,
// one of each architecture.
func twoBoxes(t *testing.T, r *report) {
	ctx, cancel := context.WithTimeout(t.Context(), 80*time.Minute)
	defer cancel()
	outside, inside := newTool(t, amd64()), newTool(t, arm64())
	outside.report, inside.report = r, r
	ca, err := trust.NewCA("boot test", nil)
	if err != nil {
		t.Fatal(err)
	}
	world, web := world(t, ctx, ca)
	wire := newSwitch(t, 3)
	sip, https := freePort(t), freePort(t)

	edgeDisk := outside.diskOf(t, "edge", edgeLines())
	coreDisk := inside.diskOf(t, "core", coreLines(world.Registrar.Addr("TCP").Port(), web.Addr("http").Port()))
	edge := outside.node(t, "edge", edgeDisk, []string{
		"-netdev", "user,id=lan1,restrict=on,hostfwd=tcp:" + sip + "-" + outer + ":5061,hostfwd=tcp:" + https + "-" + outer + ":8443",
		"-netdev", "user,id=admin,restrict=on,net=10.77.0.0/24,host=10.77.0.254,dhcpstart=10.77.0.100,hostfwd=tcp:SSH-" + edgeWire + ":22",
		"-netdev", wire.netdev(0, "out"), "-netdev", "hubport,id=port1,hubid=1,netdev=admin", "-netdev", "hubport,id=port2,hubid=1,netdev=out",
		"-netdev", wire.netdev(1, "lan2"),
	})
	core := inside.node(t, "core", coreDisk, []string{
		"-netdev", "user,id=lan1,hostfwd=tcp:SSH-" + outer + ":22",
		"-netdev", wire.netdev(2, "lan2"),
	})
	edge.certify(t, ca, edgeName, outer, edgeWire)
	core.certify(t, ca, coreName, outer, coreWire)
	edge.linked()
	t.Logf("the link is up %v after power-on of edge", edge.vm.since())

	phone, err := lab.NewPhone(lab.PhoneConfig{
		User: "alice", Password: lab.Users()["alice"], Domain: "example.com", Server: netip.MustParseAddrPort(sip), ServerName: edgeName,
		CA: ca.PEM(), Local: netip.MustParseAddr("127.0.0.1"), Outbound: true, Suites: lab.AllSuites(),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	if err := phone.Start(ctx); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := patiently(ctx, phone); err != nil {
		t.Fatal("REGISTER: ", err, edge.ask("xStatus Alarm"), core.ask("xStatus Alarm"))
	}
	if len(world.Registrar.Bindings("alice")) != 1 {
		t.Error("the registrar knows no binding of alice's")
	}
	edge.fact("two boxes: REGISTER", fmt.Sprintf("200 after %v, the link up %v after power-on", time.Since(begin).Round(time.Millisecond), edge.vm.since()))
	edge.fetch(ctx, ca.PEM(), https, web)
	for _, x := range []*box{edge, core} {
		x.fact("node's RSS at rest, "+x.name+" on "+x.arch.name, x.rss())
	}
}

// patiently registers as phones do: a node that has too much to do, as on a busy
// host, asks them by 503 to come back.
func patiently(ctx context.Context, phone *lab.Phone) (err error) {
	for late := time.Now().Add(patience()); ; {
		if err = phone.Register(ctx); err == nil || !strings.Contains(err.Error(), ": 503 ") || time.Now().After(late) {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(5 * time.Second):
		}
	}
}

// world is a registrar and a web server on this host's 127.0.0.1.
func world(t *testing.T, ctx context.Context, ca *trust.CA) (*lab.World, *lab.Web) {
	t.Helper()
	cert, key, err := ca.Issue(trust.IssueOptions{Names: []string{"ucm.example.com"}, IPs: []string{host, "127.0.0.1"}, Server: true, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	world, err := lab.NewWorld(ctx, lab.WorldConfig{Domain: "example.com", Net: netip.MustParseAddr("127.0.0.0"), Any: true, Path: lab.PathLazy, Cert: cert, Key: key, CA: ca.PEM()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	web := lab.NewWeb(lab.WebConfig{HTTP: netip.MustParseAddrPort("127.0.0.1:0")})
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(web.Close)
	return world, web
}

// diskOf is a disk whose first-boot file makes a role of it.
func (b *bench) diskOf(t *testing.T, role string, lines []string) string {
	t.Helper()
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(b.signer.PublicKey())))
	lines = append([]string{"role " + role, `xConfiguration SystemUnit Name: "` + role + `"`, `xConfiguration Administration SSH AuthorizedKey 1 Key: "` + public + `"`}, lines...)
	first := filepath.Join(b.dir, role+".txt")
	if err := os.WriteFile(first, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return newDisk(t, b.make(t, "image", role+".img", "-first", first))
}

// node boots a box. SSH in the wires is where on this host its shell is found.
func (b *bench) node(t *testing.T, role, disk string, wires []string) *box {
	t.Helper()
	door := freePort(t)
	for i := range wires {
		wires[i] = strings.ReplaceAll(wires[i], "SSH", door)
	}
	wires = append(wires,
		"-device", "virtio-net-pci,netdev=lan1,romfile=,mac=52:54:00:00:01:01", "-device", "virtio-net-pci,netdev=lan2,romfile=,mac="+map[string]string{"edge": "52:54:00:00:02:01", "core": "52:54:00:00:02:02"}[role])
	x := &box{bench: b, t: t, name: role, disk: disk}
	x.vm = plug(t, b.arch, x.disk, door, wires...)
	x.vm.expect("first boot: role " + role)
	x.ssh = x.vm.dial(b.signer)
	return x
}

func edgeLines() []string {
	return []string{
		`xConfiguration Ethernet 1 IP V4 Address: "` + outer + `"`, `xConfiguration Ethernet 2 IP V4 Address: "` + edgeWire + `"`,
		`xConfiguration IP DNS Hostname: "edge"`, `xConfiguration IP DNS Domain Name: "example.com"`,
		`xConfiguration SIP Domain 1 Name: "example.com"`, `xConfiguration SIP Domain 1 Edge: On`,
		`xConfiguration Zones Zone 1 Name: "Core"`, `xConfiguration Zones Zone 1 Type: TraversalServer`,
		`xConfiguration Zones Zone 1 TraversalServer Collaboration Edge: On`,
		`xConfiguration Zones Zone 1 TraversalServer SIP TLS Verify Subject Name: "` + coreName + `"`,
		`xConfiguration CollaborationEdge Enabled: On`,
	}
}

func coreLines(registrar, web uint16) []string {
	return []string{
		`xConfiguration Ethernet 1 IP V4 Address: "` + outer + `"`, `xConfiguration Ethernet 2 IP V4 Address: "` + coreWire + `"`,
		`xConfiguration IP DNS Hostname: "core"`, `xConfiguration IP DNS Domain Name: "example.com"`,
		`xConfiguration SIP TCP Mode: On`, `xConfiguration SIP Domain 1 Name: "example.com"`, `xConfiguration SIP Domain 1 Edge: On`,
		`xConfiguration Zones Zone 1 Name: "Edge"`, `xConfiguration Zones Zone 1 Type: TraversalClient`,
		`xConfiguration Zones Zone 1 TraversalClient Peer 1 Address: "` + edgeWire + `"`,
		`xConfiguration Zones Zone 2 Name: "Call control"`, `xConfiguration Zones Zone 2 Type: Neighbor`,
		`xConfiguration Zones Zone 2 Neighbor Peer 1 Address: "` + host + `"`,
		fmt.Sprintf(`xConfiguration Zones Zone 2 Neighbor SIP Port: %d`, registrar), `xConfiguration Zones Zone 2 Neighbor SIP Transport: TCP`,
		`xConfiguration Zones Policy SearchRules Rule 1 Name: "Users"`, `xConfiguration Zones Policy SearchRules Rule 1 Mode: AliasPatternMatch`,
		`xConfiguration Zones Policy SearchRules Rule 1 Pattern Type: Suffix`, `xConfiguration Zones Policy SearchRules Rule 1 Pattern String: "@example.com"`,
		`xConfiguration Zones Policy SearchRules Rule 1 Target Type: Zone`, `xConfiguration Zones Policy SearchRules Rule 1 Target Name: "Call control"`,
		`xConfiguration CollaborationEdge Enabled: On`, `xConfiguration CollaborationEdge RFC3327Enabled: On`,
		fmt.Sprintf(`xConfiguration CollaborationEdge AllowList Rule 1 Url: "http://%s:%d/page/"`, host, web),
		`xConfiguration CollaborationEdge AllowList Rule 1 MatchType: prefix`,
	}
}

// certify gives the box its certificates, by sftp and the shell.
func (x *box) certify(t *testing.T, ca *trust.CA, name string, ips ...string) {
	t.Helper()
	cert, key, err := ca.Issue(trust.IssueOptions{Names: []string{name}, IPs: ips, Server: true, Client: true})
	if err != nil {
		t.Fatal(err)
	}
	c, err := sftp.NewClient(x.ssh)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for file, data := range map[string][]byte{"server.pem": cert, "server.key": key, "ca.pem": ca.PEM()} {
		f, err := c.Create(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	x.ask(`xCommand CACertificateInstall File: "ca.pem"`)
	x.ask(`xCommand ServerCertificateInstall File: "server.pem" Key: "server.key"`)
}

// linked waits for the link.
func (x *box) linked() {
	x.t.Helper()
	out := ""
	for late := time.Now().Add(patience()); time.Now().Before(late); time.Sleep(time.Second) {
		if out = x.ask("xStatus Tunnels"); strings.Contains(out, "Active") {
			return
		}
	}
	x.t.Fatalf("no link:\n%s\n%s", out, x.ask("xStatus Alarm"))
}

// fetch gets a page that the allow list has, and one that it has not.
func (x *box) fetch(ctx context.Context, ca []byte, edge string, web *lab.Web) {
	x.t.Helper()
	browser, err := lab.NewBrowser(lab.BrowserConfig{Edge: netip.MustParseAddrPort(edge), ServerName: edgeName, Domain: "example.com", CA: ca})
	if err != nil {
		x.t.Fatal(err)
	}
	defer browser.Close()
	inside := fmt.Sprintf("http://%s:%d", host, web.Addr("http").Port())
	page, err := browser.Get(ctx, inside+"/page/one")
	if err != nil || page.Status != 200 || len(web.Seen()) == 0 {
		x.t.Fatalf("fetch: %+v %v", page, err)
	}
	other, err := browser.Get(ctx, inside+"/other")
	if err != nil || other.Status != 403 {
		x.t.Errorf("a page that no rule has: %+v %v", other, err)
	}
	x.fact("two boxes: fetch", fmt.Sprintf("200 and %d bytes by the allow list, 403 without a rule", len(page.Body)))
}

func freeUDP(t *testing.T) string {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().String()
}
