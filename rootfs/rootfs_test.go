package rootfs

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sallyport/board"
	"sallyport/board/slot"
)

func TestInputsCoverBoards(t *testing.T) {
	for _, b := range Boards() {
		if b.Pi != nil {
			continue // Go modules, pinned in pi.go
		}
		for _, name := range []string{b.Kernel, "systemd-boot-efi"} {
			if !slices.ContainsFunc(Inputs(), func(in Input) bool { return in.Package == name && in.Arch == b.Arch && len(in.SHA256) == 64 }) {
				t.Errorf("%s needs %s for %s, which is not pinned", b.Name, name, b.Arch)
			}
		}
	}
}

func TestInputWithAnotherHash(t *testing.T) {
	dir := t.TempDir()
	in := Inputs()[0]
	if err := os.WriteFile(filepath.Join(dir, in.File()), []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := in.open(dir); err == nil || !strings.Contains(err.Error(), "as pinned") {
		t.Errorf("a changed package was taken: %v", err)
	}
}

func TestChosen(t *testing.T) {
	list, err := choices()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		arch, file string
		want       bool
	}{
		{"amd64", "kernel/drivers/net/ethernet/intel/igc/igc.ko.xz", true},
		{"arm64", "kernel/drivers/net/ethernet/intel/igc/igc.ko.xz", true},
		{"amd64", "kernel/drivers/mfd/lpc_ich.ko.xz", true},
		{"arm64", "kernel/drivers/net/ethernet/marvell/mvneta.ko.xz", true},
		{"amd64", "kernel/drivers/net/ethernet/marvell/mvneta.ko.xz", false},
		{"amd64", "kernel/net/netfilter/ipvs/ip_vs.ko.xz", false},
		{"amd64", "kernel/net/netfilter/nf_tables.ko.xz", true},
		{"amd64", "kernel/drivers/gpu/drm/drm.ko.xz", false},
		{"amd64", "kernel/drivers/net/wireless/ath/ath.ko.xz", false},
	} {
		if got := chosen(list, tt.arch, tt.file); got != tt.want {
			t.Errorf("%s on %s: chosen %t, want %t", tt.file, tt.arch, got, tt.want)
		}
	}
}

func TestModinfo(t *testing.T) {
	var info modinfo
	for _, e := range []string{"depends=a-b,c", "softdep=pre: d e post: f-g", "alias=pci:v0*d1", "alias=has a blank", "license=GPL"} {
		info.add(e)
	}
	got := strings.Join(slices.Concat(info.depends, []string{"|"}, info.before, []string{"|"}, info.after, []string{"|"}, info.aliases), " ")
	if want := "a_b c | d e | f_g | pci:v0*d1"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCpio(t *testing.T) {
	tr := tree{}
	tr.file("init", 0o755, []byte("abc"))
	tr.link("sbin/modprobe", "/init")
	tr.char("dev/console", 0o600, 5, 1)
	var b bytes.Buffer
	if err := tr.write(&b, 1e9); err != nil {
		t.Fatal(err)
	}
	const head = "070701" + "00000001" + "000041ed" + "00000000" + "00000000" + "00000002" + "3b9aca00" +
		"00000000" + "00000000" + "00000000" + "00000000" + "00000000" + "00000004" + "00000000" + "dev\x00"
	if !bytes.HasPrefix(b.Bytes(), []byte(head)) {
		t.Errorf("begins with %q", b.Bytes()[:len(head)])
	}
	var names []string
	for rest := b.Bytes(); len(rest) >= 110; {
		name, size := field(t, rest, 11), field(t, rest, 6)
		names = append(names, string(rest[110:110+name-1]))
		rest = rest[(110+name+3)&^3:]
		rest = rest[(size+3)&^3:]
	}
	if got, want := strings.Join(names, " "), "dev dev/console init sbin sbin/modprobe TRAILER!!!"; got != want {
		t.Errorf("holds %s, want %s", got, want)
	}
}

// field reads the nth number of a cpio header.
func field(t *testing.T, b []byte, n int) int {
	t.Helper()
	v := 0
	for _, c := range b[6+8*n : 14+8*n] {
		v = v*16 + strings.IndexByte("0123456789abcdef", c)
	}
	return v
}

func TestEntry(t *testing.T) {
	b, err := FindBoard("pc-arm64")
	if err != nil {
		t.Fatal(err)
	}
	got := string(Entry{"sallyport v1", "sallyport", 7, "a", b.Cmdline("a", "more")}.Text())
	want := `title sallyport v1
sort-key sallyport
version 7
linux /sallyport/slot-a/linux
initrd /sallyport/slot-a/initrd
options console=tty0 console=ttyS0,115200 console=ttyAMA0,115200 sallyport.slot=a sallyport.board=pc-arm64 panic=10 oops=panic quiet more
`
	if got != want {
		t.Errorf("got\n%s", got)
	}
}

// TestUpdateIsTaken gives an update to the code of the box.
func TestUpdateIsTaken(t *testing.T) {
	key, err := DevelopmentKey(t.TempDir(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	b, _ := FindBoard("pc-x86_64")
	for name, data := range Contents(b, Slot{Linux: []byte("old kernel"), Initrd: []byte("old initrd")}, []byte("loader"), 1, "v1", "", nil) {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := board.Release{Version: "v2", Counter: 2, Board: b.Name, Arch: b.Arch, Keys: []string{PublicKey(key)}}
	var update bytes.Buffer
	if err := WriteUpdate(&update, Slot{Linux: []byte("new kernel"), Initrd: []byte("new initrd")}, r, time.Unix(1e9, 0), key); err != nil {
		t.Fatal(err)
	}
	box := &slot.Slots{
		With:    func(_ bool, f func(string) error) error { return f(dir) },
		Running: "a", Release: board.Release{Board: b.Name, Arch: b.Arch, Counter: 1, Keys: []string{PublicKey(key)}},
		Stage: t.TempDir(),
	}
	if _, err := box.Install(&update, slot.Options{}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"linux": "new kernel", "initrd": "new initrd"} {
		if got, _ := os.ReadFile(filepath.Join(dir, SlotDir("b"), name)); string(got) != want {
			t.Errorf("slot B's %s is %q", name, got)
		}
	}
	list, err := box.List()
	if err != nil || len(list) != 3 {
		t.Errorf("slots %v, %v", list, err)
	}
}

func TestDevelopmentKeyStays(t *testing.T) {
	dir := t.TempDir()
	one, err := DevelopmentKey(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	two, err := DevelopmentKey(dir, rand.Reader)
	if err != nil || PublicKey(one) != PublicKey(two) {
		t.Errorf("a second key was made: %v", err)
	}
	info, err := os.Stat(filepath.Join(dir, "development.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret key lies open: %v %v", info.Mode(), err)
	}
}

func FuzzDeb(f *testing.F) {
	f.Add([]byte("!<arch>\ndebian-binary   0           0     0     100644  4         `\n2.0\n"))
	f.Add([]byte("!<arch>\ndata.tar.xz     0           0     0     100644  3         `\nabc\n"))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_ = walkDeb(bytes.NewReader(b), func(string) bool { return true }, func(string, []byte) error { return nil })
	})
}
