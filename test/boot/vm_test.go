package boot

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// patience is how long a machine may take for one step. An unhurried host needs
// a tenth of it; for a busy one SALLYPORT_PATIENCE is a factor.
func patience() time.Duration {
	return time.Duration(setting("SALLYPORT_PATIENCE", 1)) * 4 * time.Minute
}

// The hardware addresses of a machine's interfaces.
const (
	firstMAC  = "52:54:00:00:00:01"
	secondMAC = "52:54:00:00:00:02"
)

// arch is how QEMU plays one architecture.
type arch struct {
	name    string // as Go spells it
	board   string
	qemu    string
	machine []string
	code    string // UEFI firmware
	vars    string
	qemuDeb string
	firmDeb string
	locked  bool // the disk takes no writes
}

func amd64() arch {
	return arch{
		name: "amd64", board: "pc-x86_64", qemu: "qemu-system-x86_64",
		machine: []string{"-machine", "q35"},
		code:    "/usr/share/OVMF/OVMF_CODE_4M.fd", vars: "/usr/share/OVMF/OVMF_VARS_4M.fd",
		qemuDeb: "qemu-system-x86", firmDeb: "ovmf",
	}
}

func arm64() arch {
	return arch{
		name: "arm64", board: "pc-arm64", qemu: "qemu-system-aarch64",
		machine: []string{"-machine", "virt", "-cpu", "cortex-a57"},
		code:    "/usr/share/AAVMF/AAVMF_CODE.fd", vars: "/usr/share/AAVMF/AAVMF_VARS.fd",
		qemuDeb: "qemu-system-arm", firmDeb: "qemu-efi-aarch64",
	}
}

// need skips the test where this machine cannot play the architecture.
func (a arch) need(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("starting whole machines takes minutes; -short leaves it out")
	}
	if _, err := exec.LookPath(a.qemu); err != nil {
		t.Skipf("%s is missing: apt-get install %s", a.qemu, a.qemuDeb)
	}
	if _, err := os.Stat(a.code); err != nil {
		t.Skipf("UEFI firmware %s is missing: apt-get install %s", a.code, a.firmDeb)
	}
}

// vm is one running machine.
type vm struct {
	t     *testing.T
	cmd   *exec.Cmd
	keys  io.Writer
	ssh   string // address of the SSH port on this host
	sip   string // and of the SIP port, if there is one
	start time.Time

	mu   sync.Mutex
	said []byte // all that came over the serial line
	news chan struct{}
	done chan struct{} // the process has ended
	seen int           // how much of said was waited for
}

// powerOn starts a machine with a disk. The disk keeps what the machine writes.
func powerOn(t *testing.T, a arch, disk string) *vm {
	t.Helper()
	ssh, sip := freePort(t), freePort(t)
	m := plug(t, a, disk, ssh, "-netdev", userNet(ssh, sip), "-device", nic("lan1", firstMAC))
	m.sip = sip
	return m
}

// userNet is QEMU's network that lets nothing out, with ports on this host for
// the shell and for SIP.
func userNet(ssh, sip string) string {
	return "user,id=lan1,restrict=on,hostfwd=tcp:" + ssh + "-10.0.2.15:22,hostfwd=tcp:" + sip + "-10.0.2.15:5060"
}

func nic(wire, mac string) string { return "virtio-net-pci,romfile=,netdev=" + wire + ",mac=" + mac }

// plug starts a machine with the wires that are given; ssh is where on this host
// its SSH port is found.
func plug(t *testing.T, a arch, disk, ssh string, wires ...string) *vm {
	t.Helper()
	return emulate(t, ssh, exec.Command(a.qemu, append(a.arguments(t, disk), wires...)...))
}

// emulate runs a QEMU whose standard input and output are the serial line.
func emulate(t *testing.T, ssh string, cmd *exec.Cmd) *vm {
	t.Helper()
	m := &vm{t: t, cmd: cmd, ssh: ssh, start: time.Now(), news: make(chan struct{}, 1), done: make(chan struct{})}
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // a test that is stopped leaves no machine behind
	keys, err := m.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	m.keys = keys
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var trouble bytes.Buffer
	m.cmd.Stderr = &trouble
	if err := m.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go m.listen(m.recorded(out))
	t.Cleanup(func() {
		m.unplug()
		if t.Failed() {
			t.Logf("serial line, its end:\n%s\n%s", m.tail(6000), trouble.String())
		}
	})
	return m
}

func (a arch) arguments(t *testing.T, disk string) []string {
	vars := disk + ".vars"
	if _, err := os.Stat(vars); err != nil {
		copyFile(t, a.vars, vars)
	}
	return append(append([]string{}, a.machine...),
		"-m", "512", "-nodefaults", "-display", "none", "-action", "watchdog=reset",
		"-chardev", "stdio,id=serial,signal=off", "-serial", "chardev:serial",
		"-drive", "if=pflash,format=raw,readonly=on,file="+a.code,
		"-drive", "if=pflash,format=raw,file="+vars,
		// A killed machine's writes are in the host's memory either way; waiting
		// for the host's disk would prove nothing more.
		"-drive", "if=none,id=disk,format=raw,cache=unsafe,readonly="+onOff(a.locked)+",file="+disk,
		"-device", "virtio-blk-pci,drive=disk,bootindex=0",
		"-device", "virtio-rng-pci", "-device", "i6300esb",
	)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// asked counts freePort.
var asked atomic.Int32

// freePort is below the ports that the kernel gives to whoever asks for any: a
// machine takes it later, and asks for it again when it is started anew.
func freePort(t *testing.T) string {
	t.Helper()
	const first, ports = 31500, 1268
	for range ports {
		at := fmt.Sprint("127.0.0.1:", first+(os.Getpid()*37+int(asked.Add(1)))%ports)
		if l, err := net.Listen("tcp", at); err == nil {
			l.Close()
			return at
		}
	}
	t.Fatal("no port is free")
	return ""
}

func (m *vm) listen(out io.Reader) {
	buf := make([]byte, 4096)
	for {
		n, err := out.Read(buf)
		m.mu.Lock()
		m.said = append(m.said, buf[:n]...)
		m.mu.Unlock()
		select {
		case m.news <- struct{}{}:
		default:
		}
		if err != nil {
			m.cmd.Wait()
			close(m.done)
			return
		}
	}
}

// recorded copies the serial line into a file, for who watches a long test: set
// SALLYPORT_SERIAL to a folder.
func (m *vm) recorded(out io.Reader) io.Reader {
	dir := os.Getenv("SALLYPORT_SERIAL")
	if dir == "" {
		return out
	}
	f, err := os.OpenFile(filepath.Join(dir, strings.ReplaceAll(m.t.Name(), "/", "-")), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { f.Close() })
	return io.TeeReader(out, f)
}

// unplug is a power cut. It may be called again.
func (m *vm) unplug() {
	m.cmd.Process.Kill()
	<-m.done
}

// expect waits until the serial line said something new that fits, and returns
// it. What came before is not looked at again.
func (m *vm) expect(pattern string) string {
	m.t.Helper()
	found, err := m.await(pattern, patience())
	if err != nil {
		m.t.Fatal(err)
	}
	return found
}

func (m *vm) await(pattern string, d time.Duration) (string, error) {
	re := regexp.MustCompile(pattern)
	late := time.After(d)
	for {
		if s, ok := m.find(re); ok {
			return s, nil
		}
		select {
		case <-m.news:
		case <-m.done:
			if s, ok := m.find(re); ok {
				return s, nil
			}
			return "", fmt.Errorf("the machine ended while %q was waited for", pattern)
		case <-late:
			return "", fmt.Errorf("%v passed without %q on the serial line", d, pattern)
		}
	}
}

func (m *vm) find(re *regexp.Regexp) (string, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := re.FindIndex(m.said[m.seen:])
	if at == nil {
		return "", false
	}
	s := string(m.said[m.seen+at[0] : m.seen+at[1]])
	m.seen += at[1]
	return s, true
}

// typeLine types a line on the serial line.
func (m *vm) typeLine(s string) {
	m.t.Helper()
	if _, err := io.WriteString(m.keys, s+"\r"); err != nil {
		m.t.Fatal(err)
	}
}

func (m *vm) tail(n int) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return strings.ToValidUTF8(string(m.said[max(0, len(m.said)-n):]), "?")
}

// since is the time since power-on, for the record.
func (m *vm) since() time.Duration { return time.Since(m.start).Round(100 * time.Millisecond) }

// newDisk copies an image, leaving the holes in it.
func newDisk(t *testing.T, image string) string {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk.img")
	copyFile(t, image, disk)
	return disk
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if err := copySparse(out, in); err != nil {
		t.Fatal(err)
	}
}

func copySparse(out, in *os.File) error {
	buf, zero := make([]byte, 1<<20), make([]byte, 1<<20)
	var at int64
	for {
		n, err := io.ReadFull(in, buf)
		if n > 0 && !bytes.Equal(buf[:n], zero[:n]) {
			if _, err := out.WriteAt(buf[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return out.Truncate(at)
		}
		if err != nil {
			return err
		}
	}
}
