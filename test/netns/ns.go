package netns

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Net is a set of namespaces that live as long as one test.
type Net struct {
	t      testing.TB
	prefix string // of the names that the kernel sees
	spaces map[string]*Space
}

// Space is one network namespace.
type Space struct {
	net  *Net
	Name string // within the test
	name string // for the kernel
}

const namePrefix = "sallyport-"

// New makes an empty network, or skips the test saying what is missing.
func New(t testing.TB, commands ...string) *Net {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	for _, c := range append([]string{"ip", "nft", "ss"}, commands...) {
		if _, err := lookPath(c); err != nil {
			t.Skipf("needs %s: run scripts/setup.sh", c)
		}
	}
	sweep()
	n := &Net{t: t, prefix: fmt.Sprintf("%s%d-%d-", namePrefix, os.Getpid(), time.Now().UnixNano()%1e6), spaces: map[string]*Space{}}
	if err := exec.Command("ip", "netns", "add", n.prefix+"probe").Run(); err != nil {
		t.Skip("this machine lets nobody make network namespaces")
	}
	exec.Command("ip", "netns", "del", n.prefix+"probe").Run()
	return n
}

// lookPath also looks where root's tools are.
func lookPath(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	for _, dir := range []string{"/usr/sbin/", "/sbin/"} {
		if _, err := os.Stat(dir + name); err == nil {
			return dir + name, nil
		}
	}
	return "", fmt.Errorf("no command %s", name)
}

// sweep removes namespaces whose test process is gone.
func sweep() {
	out, _ := exec.Command("ip", "netns", "list").Output()
	for _, line := range strings.Split(string(out), "\n") {
		name, _, _ := strings.Cut(line, " ")
		rest, ours := strings.CutPrefix(name, namePrefix)
		pid, _, _ := strings.Cut(rest, "-")
		n, err := strconv.Atoi(pid)
		if ours && err == nil && syscall.Kill(n, 0) == syscall.ESRCH {
			remove(name)
		}
	}
}

// remove ends what still runs in a namespace of ours and deletes it.
func remove(name string) {
	out, _ := exec.Command("ip", "netns", "pids", name).Output()
	for _, pid := range strings.Fields(string(out)) {
		// A parked thread of our own may still be inside.
		if n, err := strconv.Atoi(pid); err == nil && n != os.Getpid() {
			syscall.Kill(n, syscall.SIGKILL)
		}
	}
	exec.Command("ip", "netns", "del", name).Run()
}

// Space adds a namespace with its loopback up.
func (n *Net) Space(name string) *Space {
	n.t.Helper()
	s := &Space{n, name, n.prefix + name}
	n.must("ip", "netns", "add", s.name)
	n.spaces[name] = s
	n.t.Cleanup(func() { remove(s.name) })
	s.IP("link", "set", "lo", "up")
	return s
}

// Bridge adds a namespace that is a switch, for Join.
func (n *Net) Bridge(name string) *Space {
	n.t.Helper()
	s := n.Space(name)
	s.IP("link", "add", "br0", "type", "bridge")
	s.IP("link", "set", "br0", "up")
	return s
}

// Join puts an interface of a space on a switch and gives it an address, as
// 10.2.0.1/24, and a default route if via is not empty.
func (n *Net) Join(s *Space, dev, addr string, bridge *Space, via string) {
	n.t.Helper()
	port := s.Name + dev
	if len(port) > 15 {
		port = port[len(port)-15:] // a kernel limit
	}
	s.IP("link", "add", dev, "type", "veth", "peer", "name", port, "netns", bridge.name)
	bridge.IP("link", "set", port, "master", "br0", "up")
	s.IP("addr", "add", addr, "dev", dev)
	s.IP("link", "set", dev, "up")
	if via != "" {
		s.IP("route", "add", "default", "via", via)
	}
}

// IP runs the ip command on the space and fails the test if it fails.
func (s *Space) IP(args ...string) {
	s.net.t.Helper()
	s.net.must("ip", append([]string{"-n", s.name}, args...)...)
}

// Run runs a command inside and returns what it printed; it fails the test if
// the command fails.
func (s *Space) Run(name string, args ...string) string {
	s.net.t.Helper()
	return s.net.must("ip", append([]string{"netns", "exec", s.name, name}, args...)...)
}

// Forward makes the space a router.
func (s *Space) Forward() { s.Run("sysctl", "-qw", "net.ipv4.ip_forward=1") }

// NFT loads a rule set.
func (s *Space) NFT(rules string) {
	s.net.t.Helper()
	c := exec.Command("ip", "netns", "exec", s.name, "nft", "-f", "-")
	c.Stdin = strings.NewReader(rules)
	if out, err := c.CombinedOutput(); err != nil {
		s.net.t.Fatalf("nft in %s: %v\n%s", s.Name, err, out)
	}
}

func (n *Net) must(name string, args ...string) string {
	n.t.Helper()
	path, err := lookPath(name)
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := exec.Command(path, args...).CombinedOutput()
	if err != nil {
		n.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Process is a command running inside a space.
type Process struct {
	Name string
	cmd  *exec.Cmd
	done chan struct{}
	out  *tail
}

// Start runs a command inside until the test ends or Kill is called. What it
// prints is shown if the test fails.
func (s *Space) Start(name string, args ...string) *Process {
	s.net.t.Helper()
	return s.launch(exec.Command("ip", append([]string{"netns", "exec", s.name, name}, args...)...), name)
}

// launch is Start for a command that enters the space by itself. Its output is
// kept unless somebody else reads it.
func (s *Space) launch(c *exec.Cmd, name string) *Process {
	s.net.t.Helper()
	p := &Process{name + " in " + s.Name, c, make(chan struct{}), &tail{}}
	if c.Stdout == nil {
		c.Stdout = p.out
	}
	c.Stderr = p.out
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		s.net.t.Fatalf("start %s: %v", p.Name, err)
	}
	go func() {
		c.Wait()
		close(p.done)
	}()
	s.net.t.Cleanup(func() {
		p.Kill()
		if s.net.t.Failed() {
			s.net.t.Logf("--- %s\n%s", p.Name, p.out)
		}
	})
	return p
}

// Kill ends the process and its children at once and waits.
func (p *Process) Kill() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.done
}

// Stop asks the process to end and waits for it, a few seconds at most.
func (p *Process) Stop() {
	syscall.Kill(-p.cmd.Process.Pid, syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Kill()
	}
}

// Output is the newest part of what the process printed.
func (p *Process) Output() string { return p.out.String() }

// Dial connects from inside a space.
func (s *Space) Dial(ctx context.Context, network, addr string) (conn net.Conn, err error) {
	err = s.Inside(func() error {
		var d net.Dialer
		conn, err = d.DialContext(ctx, network, addr)
		return err
	})
	return conn, err
}

// Inside runs f on a thread that is in the space. Sockets made there stay
// there; goroutines that f starts are not in it. The thread is not used again.
func (s *Space) Inside(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		result <- s.enter(f)
	}()
	return <-result
}

func (s *Space) enter(f func() error) error {
	ns, err := os.Open("/run/netns/" + s.name)
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter %s: %w", s.Name, err)
	}
	return f()
}

// giveUp bounds the wait for what comes within a second or two, unless the machine
// is very busy.
const giveUp = 45 * time.Second

// Until polls for what only real processes can bring about.
func Until(t testing.TB, within time.Duration, what string, is func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, within)
		}
	}
}

func trimLines(b []byte, n int) []byte {
	if len(b) <= n {
		return b
	}
	b = b[len(b)-n:]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[i+1:]
	}
	return b
}
