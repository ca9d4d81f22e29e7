package boot

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/diskfs/go-diskfs/backend/file"
	"github.com/diskfs/go-diskfs/filesystem/fat32"
	"golang.org/x/crypto/ssh"

	"sallyport/rootfs"
)

// bench is what the tests of one architecture share: the tool, the image, and
// the administrator's key.
type bench struct {
	arch
	dir    string
	tool   string // mkimage
	image  string
	signer ssh.Signer

	kernel  []byte // unpacked, once an update was made of it
	modules *rootfs.Modules

	report *report // of a part of the long run; nil every day
}

// fact notes something for the log and for RESULTS.md.
func (x *box) fact(what, seen string) { x.report.fact(x.t, what, seen) }

// newBench builds the tool and an image whose first-boot file makes an edge
// that lets the administrator in.
func newBench(t *testing.T, a arch) *bench {
	t.Helper()
	b := newTool(t, a)
	first := filepath.Join(b.dir, "first.txt")
	if err := os.WriteFile(first, []byte(firstLines(b.signer)), 0o600); err != nil {
		t.Fatal(err)
	}
	b.image = b.make(t, "image", "disk.img", "-first", first)
	return b
}

// newTool is a bench without an image yet.
func newTool(t *testing.T, a arch) *bench {
	t.Helper()
	a.need(t)
	b := &bench{arch: a, dir: t.TempDir()}
	b.tool = filepath.Join(b.dir, "mkimage")
	b.signer = newSigner(t)
	run(t, "go", "build", "-o", b.tool, "sallyport/cmd/mkimage")
	return b
}

func firstLines(key ssh.Signer) string {
	public := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key.PublicKey())))
	return strings.Join([]string{
		"role edge",
		`xConfiguration SystemUnit Name: "boottest"`,
		`xConfiguration Ethernet 1 IP V4 Address: "10.0.2.15"`,
		`xConfiguration Ethernet 1 IP V4 SubnetMask: "255.255.255.0"`,
		`xConfiguration Ethernet 1 HardwareAddress: "` + firstMAC + `"`,
		`xConfiguration SIP TCP Mode: "On"`,
		`xConfiguration Administration SSH Mode: "On"`,
		`xConfiguration Administration SSH AuthorizedKey 1 Key: "` + public + `"`,
	}, "\n") + "\n"
}

// make runs mkimage. Drivers for the processor itself are left out: emulated,
// their self-tests take longer than the rest of the start.
func (b *bench) make(t *testing.T, verb, name string, more ...string) string {
	t.Helper()
	out := filepath.Join(b.dir, name)
	args := []string{verb, "-board", b.board, "-out", out, "-keydir", filepath.Join(b.dir, "keys"), "-append", "sallyport.nocpu"}
	text, err := exec.Command(b.tool, append(args, more...)...).CombinedOutput()
	if err != nil {
		if strings.Contains(string(text), rootfs.ErrMissing.Error()) {
			t.Skipf("the pinned packages are missing: %s", lastLine(text))
		}
		t.Fatalf("mkimage %s: %v\n%s", verb, err, text)
	}
	t.Logf("mkimage %s\n%s", verb, text)
	return out
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

func newSigner(t *testing.T) ssh.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if text, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, text)
	}
}

// testInit builds the init that says where it is and ends.
func (b *bench) testInit(t *testing.T) string {
	t.Helper()
	out := filepath.Join(b.dir, "init")
	cmd := exec.Command("go", "build", "-trimpath", "-o", out, "./testdata/init")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+b.name)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return out
}

// bootPartition opens the FAT volume of a disk whose machine is off.
func bootPartition(t *testing.T, disk string, f func(*fat32.FileSystem)) {
	t.Helper()
	d, err := os.OpenFile(disk, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	v, err := fat32.Read(file.New(d, false), rootfs.BootSize, rootfs.BootStart, 512)
	if err != nil {
		t.Fatal(err)
	}
	f(v)
}

func readBoot(t *testing.T, disk, name string) (data []byte) {
	t.Helper()
	bootPartition(t, disk, func(v *fat32.FileSystem) {
		f, err := v.OpenFile(name, os.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		data = make([]byte, info.Size())
		if _, err := io.ReadFull(f, data); err != nil {
			t.Fatal(err)
		}
	})
	return data
}

// entries lists the boot loader's choices on a disk.
func entries(t *testing.T, disk string) string {
	t.Helper()
	var names []string
	bootPartition(t, disk, func(v *fat32.FileSystem) {
		list, err := v.ReadDir("loader/entries")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if !e.IsDir() {
				names = append(names, e.Name())
			}
		}
	})
	sort.Strings(names)
	return strings.Join(names, " ")
}

// bootFiles lists the names at the top of the boot partition.
func bootFiles(t *testing.T, disk string) string {
	t.Helper()
	var names []string
	bootPartition(t, disk, func(v *fat32.FileSystem) {
		list, err := v.ReadDir(".")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			names = append(names, e.Name())
		}
	})
	sort.Strings(names)
	return strings.Join(names, " ")
}

func hashFile(t *testing.T, name string) string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}
