package nic

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/nftables"
	"github.com/vishvananda/netlink"
)

// TestFirewall applies rules twice, and takes them away.
func TestFirewall(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	p := Plan{Links: []Link{{LAN: 1, Addresses: prefixes("192.0.2.10/24")}, {LAN: 2}}}
	p.Firewall = []Rule{
		{Priority: 20, Protocol: "tcp", First: 22, Last: 22, Action: Drop},
		{Priority: 10, LAN: 1, From: netip.MustParsePrefix("192.0.2.0/28"), Protocol: "tcp", First: 22, Last: 22, Action: Allow},
		{Priority: 30, From: netip.MustParsePrefix("2001:db8::/32"), Action: Reject},
		{Priority: 40, LAN: 2, Protocol: "udp", First: 36000, Last: 59999, Action: Allow},
	}
	if err := n.Apply(p); errors.Is(err, syscall.EOPNOTSUPP) || errors.Is(err, syscall.EPROTONOSUPPORT) || errors.Is(err, syscall.ENOENT) {
		t.Skipf("this kernel lacks a part of nftables: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	if got := ruleCount(t); got != 4+firewallOwn {
		t.Errorf("%d rules", got)
	}
	if err := n.Apply(p); err != nil || ruleCount(t) != 4+firewallOwn {
		t.Error("the second time", err, ruleCount(t))
	}
	p.Firewall = nil
	if err := n.Apply(p); err != nil || ruleCount(t) != 0 {
		t.Error("rules stayed", err, ruleCount(t))
	}
}

// TestMarks sends a datagram from a marked port and one from another, in each
// family, and reads how they arrive.
func TestMarks(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	if err := n.Apply(Plan{Links: []Link{{LAN: 1}}, Marks: []Mark{{Protocol: "udp", First: 36000, Last: 36009, DSCP: 46}, {DSCP: 8}}}); err != nil {
		t.Fatal(err)
	}
	if len(n.marks) == 0 || !n.walled {
		t.Skip("this kernel marks no packets")
	}
	if lo, err := netlink.LinkByName("lo"); err != nil || netlink.LinkSetUp(lo) != nil {
		t.Fatal("no loopback", err)
	}
	for _, c := range []struct {
		host string
		port int
		want int
	}{{"127.0.0.1", 36005, 46 << 2}, {"127.0.0.1", 36010, 8 << 2}, {"::1", 36005, 46 << 2}, {"::1", 36010, 8 << 2}} {
		if got := arrives(t, c.host, c.port); got != c.want {
			t.Errorf("from port %d on %s: TOS %#x, want %#x", c.port, c.host, got, c.want)
		}
	}
}

// arrives is the type of service of a datagram from a port, as it is received.
func arrives(t *testing.T, host string, port int) int {
	t.Helper()
	to, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.ParseIP(host)})
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	raw, err := to.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_RECVTOS, 1)
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IPV6, syscall.IPV6_RECVTCLASS, 1)
	})
	from, err := net.DialUDP("udp", &net.UDPAddr{IP: net.ParseIP(host), Port: port}, to.LocalAddr().(*net.UDPAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	from.Write([]byte("x"))
	to.SetReadDeadline(time.Now().Add(20 * time.Second))
	b, oob := make([]byte, 10), make([]byte, 100)
	_, k, _, _, err := to.ReadMsgUDP(b, oob)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := syscall.ParseSocketControlMessage(oob[:k])
	if err != nil || len(messages) == 0 {
		t.Fatal("it does not tell", err)
	}
	return int(messages[0].Data[0])
}

// TestFirewallDecides has a far end in a network of its own knock at three
// doors: one that is rejected, one that a rule allows before, one without rule.
func TestFirewallDecides(t *testing.T) {
	if os.Getenv("NIC_PEER") != "" {
		knock()
		return
	}
	if !inNamespace(t) {
		return
	}
	n := wires(t)
	p := Plan{Links: []Link{{LAN: 1, Addresses: prefixes("192.0.2.10/24")}}}
	p.Firewall = []Rule{
		{Priority: 2, Protocol: "tcp", First: 7, Last: 9, Action: Reject},
		{Priority: 1, LAN: 1, From: netip.MustParsePrefix("192.0.2.20/32"), Protocol: "tcp", First: 9, Action: Allow},
	}
	if err := n.Apply(p); err != nil {
		t.Skipf("this kernel lacks a part of nftables: %v", err)
	}
	for _, port := range []string{"8", "9", "10"} {
		l, err := net.Listen("tcp", "192.0.2.10:"+port)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	if got := farEnd(t); got != "8 refused\n9 open\n10 open\n" {
		t.Error(got)
	}
	if c := n.Counts(); len(c) != 2 || c[0].Rule.Priority != 1 || c[0].Packets != 1 || c[1].Packets == 0 {
		t.Errorf("counted %+v", c)
	}
}

// farEnd runs knock in another namespace, with peer1 for its wire.
func farEnd(t *testing.T) string {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestFirewallDecides$")
	cmd.Env = append(os.Environ(), "NIC_PEER=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	in, _ := cmd.StdinPipe()
	var out strings.Builder
	cmd.Stdout = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	peer, err := netlink.LinkByName("peer1")
	if err == nil {
		err = netlink.LinkSetNsPid(peer, cmd.Process.Pid)
	}
	in.Close()
	if e := cmd.Wait(); err != nil || e != nil {
		t.Fatal(err, e)
	}
	text, _, _ := strings.Cut(out.String(), "PASS")
	return text
}

// knock waits for its wire, and tells which doors open.
func knock() {
	io.Copy(io.Discard, os.Stdin)
	peer, err := netlink.LinkByName("peer1")
	if err != nil {
		fmt.Println(err)
		return
	}
	netlink.AddrAdd(peer, &netlink.Addr{IPNet: ipNet(netip.MustParsePrefix("192.0.2.20/24"))})
	netlink.LinkSetUp(peer)
	for _, port := range []string{"8", "9", "10"} {
		c, err := net.DialTimeout("tcp", "192.0.2.10:"+port, 5*time.Second)
		if err != nil {
			fmt.Println(port, "refused")
			continue
		}
		c.Close()
		fmt.Println(port, "open")
	}
}

func ruleCount(t *testing.T) int {
	t.Helper()
	c, err := nftables.New()
	if err != nil {
		t.Fatal(err)
	}
	tables, err := c.ListTables()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, table := range tables {
		if !strings.EqualFold(table.Name, firewallTable) {
			continue
		}
		rules, err := c.GetRules(table, &nftables.Chain{Name: "input"})
		if err != nil {
			t.Fatal(err)
		}
		n += len(rules)
	}
	return n
}
