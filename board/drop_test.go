package board

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// confined runs the test again as a child that gives up its rights, since what
// is dropped does not come back, and returns what the child says.
func confined(t *testing.T, as *syscall.SysProcAttr) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only a superuser has rights to drop")
	}
	// The program and what it may write lie where another user finds them.
	dir, err := os.MkdirTemp("/tmp", "confined")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	os.Chmod(dir, 0o755)
	program := filepath.Join(dir, "test")
	copyTo(t, os.Args[0], program)
	cmd := exec.Command(program, "-test.run=^"+t.Name()+"$")
	cmd.Dir, cmd.SysProcAttr = "/", as
	cmd.Env = append(os.Environ(), "CONFINED=1", "TMPDIR=/tmp")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if strings.HasPrefix(string(out), "confined: operation not supported") {
		t.Skip("a binary with C in it cannot reach all its threads; the product has none: CGO_ENABLED=0 go test")
	}
	text, _, _ := strings.Cut(string(out), "PASS")
	return text
}

func copyTo(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

func inChild() bool { return os.Getenv("CONFINED") != "" }

// TestConfineSuperuser keeps a superuser from what was not kept.
func TestConfineSuperuser(t *testing.T) {
	if inChild() {
		tell("confined", Confine(unix.CAP_NET_BIND_SERVICE))
		tell("low port", lowPort())
		tell("mknod", mknod())
		tell("clock", setClock())
		return
	}
	got := confined(t, nil)
	if got != "confined: <nil>\nlow port: <nil>\nmknod: operation not permitted\nclock: operation not permitted\n" {
		t.Error(got)
	}
}

// TestConfineNode is the node's case: a user of its own that was given low
// ports when it was started.
func TestConfineNode(t *testing.T) {
	if inChild() {
		tell("confined", ConfineNode())
		tell("low port", lowPort())
		tell("mknod", mknod())
		tell("clock", setClock())
		tell("mount", unix.Mount("none", "/tmp", "tmpfs", 0, ""))
		tell("superuser", syscall.Setuid(0))
		_, err := os.OpenFile("/etc/shadow", os.O_RDONLY, 0)
		tell("another's file", err)
		_, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW, 0)
		tell("raw socket", err)
		return
	}
	got := confined(t, &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: NodeUser, Gid: NodeUser},
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE},
	})
	for _, want := range []string{
		"confined: <nil>\n", "low port: <nil>\n", "mknod: operation not permitted\n", "clock: operation not permitted\n",
		"mount: operation not permitted\n", "superuser: operation not permitted\n", "another's file: open /etc/shadow: permission denied\n",
		"raw socket: operation not permitted\n",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in:\n%s", want, got)
		}
	}
}

func tell(what string, err error) {
	text := "<nil>"
	if err != nil {
		text = err.Error()
	}
	os.Stdout.WriteString(what + ": " + text + "\n")
}

func lowPort() error {
	l, err := net.Listen("tcp", "127.91.0.1:7")
	if err != nil {
		return err
	}
	return l.Close()
}

func mknod() error {
	path := os.TempDir() + "/sallyport-mknod"
	defer os.Remove(path)
	return unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(253, 0)))
}

// setClock asks for the time that it is.
func setClock() error {
	ts := unix.NsecToTimespec(time.Now().UnixNano())
	return unix.ClockSettime(unix.CLOCK_REALTIME, &ts)
}
