package board

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestDropRights runs in a child, since what is dropped does not come back.
func TestDropRights(t *testing.T) {
	if os.Getenv("DROP_RIGHTS") != "" {
		dropped()
		return
	}
	if os.Getuid() != 0 {
		t.Skip("only a superuser has rights to drop")
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestDropRights$")
	cmd.Env = append(os.Environ(), "DROP_RIGHTS=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(string(out), "dropped operation not supported") {
		t.Skip("a binary with C in it cannot reach all its threads; the product has none: CGO_ENABLED=0 go test")
	}
	if got, _, _ := strings.Cut(string(out), "PASS"); got != "dropped <nil>\nlow port <nil>\nmknod operation not permitted\n" {
		t.Error(got)
	}
}

func dropped() {
	println := func(what string, err error) {
		text := "<nil>"
		if err != nil {
			text = err.Error()
		}
		os.Stdout.WriteString(what + " " + text + "\n")
	}
	println("dropped", DropRights())
	l, err := net.Listen("tcp", "127.91.0.1:7")
	if err == nil {
		l.Close()
	}
	println("low port", err)
	path := os.TempDir() + "/sallyport-mknod"
	err = unix.Mknod(path, unix.S_IFBLK|0o600, int(unix.Mkdev(253, 0)))
	os.Remove(path)
	println("mknod", err)
}
