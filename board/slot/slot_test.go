package slot

import (
	"archive/tar"
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/blake2b"

	"sallyport/board"
)

// signer is a minisign key.
type signer struct {
	id      [8]byte
	public  ed25519.PublicKey
	private ed25519.PrivateKey
}

func newSigner(t *testing.T) signer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s := signer{public: public, private: private}
	rand.Read(s.id[:])
	return s
}

func (s signer) key() string {
	return base64.StdEncoding.EncodeToString(slices.Concat([]byte("Ed"), s.id[:], s.public))
}

func (s signer) sign(b []byte) []byte {
	sum := blake2b.Sum512(b)
	sig := ed25519.Sign(s.private, sum[:])
	comment := "test"
	global := ed25519.Sign(s.private, append(slices.Clone(sig), comment...))
	e := base64.StdEncoding.EncodeToString
	return []byte("untrusted comment: x\n" + e(slices.Concat([]byte("ED"), s.id[:], sig)) + "\ntrusted comment: " + comment + "\n" + e(global) + "\n")
}

// machine is a boot partition with slot a running and good.
func machine(t *testing.T, s signer) (*Slots, string) {
	t.Helper()
	dir := t.TempDir()
	put := func(name, content string) {
		path := filepath.Join(dir, name)
		os.MkdirAll(filepath.Dir(path), 0o755)
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("loader/loader.conf", "timeout 2\neditor no\n")
	put("loader/entries/slot-a.conf", string(text("sallyport 1", "sallyport", 10, "a", "console=ttyS0 sallyport.slot=a quiet")))
	put("loader/entries/recovery.conf", string(text("sallyport recovery", "sallyport-recovery", 0, "a", "x")))
	put("sallyport/slot-a/linux", "kernel a")
	put("sallyport/slot-a/initrd", "initrd a")
	return &Slots{
		With:    func(_ bool, f func(string) error) error { return f(dir) },
		Running: "a", Release: board.Release{Board: "pc", Arch: "amd64", Counter: 10, Keys: []string{s.key()}},
	}, dir
}

func sum(b string) Part {
	h := sha256.Sum256([]byte(b))
	return Part{hex.EncodeToString(h[:]), int64(len(b))}
}

func manifest() Manifest {
	return Manifest{Version: "2", Counter: 11, Board: "pc", Arch: "amd64", Linux: sum("kernel b"), Initrd: sum("initrd b")}
}

func update(t *testing.T, s signer, m Manifest, linux, initrd string) []byte {
	t.Helper()
	text, _ := json.Marshal(m)
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range [][2]string{{"manifest.json", string(text)}, {"manifest.json.minisig", string(s.sign(text))}, {"linux", linux}, {"initrd", initrd}} {
		if err := w.WriteHeader(&tar.Header{Name: f[0], Size: int64(len(f[1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(f[1]))
	}
	w.Close()
	return b.Bytes()
}

func entries(t *testing.T, dir string) string {
	t.Helper()
	all, err := os.ReadDir(filepath.Join(dir, "loader/entries"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		names = append(names, e.Name())
	}
	return strings.Join(names, " ")
}

func TestUpdateThenBless(t *testing.T) {
	s := newSigner(t)
	slots, dir := machine(t, s)
	var seen int64
	m, err := slots.Install(bytes.NewReader(update(t, s, manifest(), "kernel b", "initrd b")), Options{Progress: func(done, all int64) { seen = done * 100 / all }})
	if err != nil || m.Version != "2" || seen != 100 {
		t.Fatal(m, err, seen)
	}
	if got := entries(t, dir); got != "recovery.conf slot-a.conf slot-b+3.conf" {
		t.Fatal(got)
	}
	all, _ := slots.List()
	b := one(all, "b")
	if b.State != Trial || b.Left != 3 || b.Options != "console=ttyS0 sallyport.slot=b quiet" || b.Version != "11" {
		t.Errorf("%+v", b)
	}
	// The boot loader counts, b starts.
	os.Rename(b.file, filepath.Join(dir, "loader/entries/slot-b+2-1.conf"))
	slots.Running, slots.Release.Counter = "b", 11
	if ok, _ := slots.Blessed(); ok {
		t.Error("blessed before its time")
	}
	if _, err := slots.Install(bytes.NewReader(update(t, s, Manifest{Version: "3", Counter: 12, Board: "pc", Arch: "amd64", Linux: sum("x"), Initrd: sum("y")}, "x", "y")), Options{}); err == nil {
		t.Error("a system on trial overwrote the one it would fall back to")
	}
	if err := slots.Bless(); err != nil {
		t.Fatal(err)
	}
	if got := entries(t, dir); got != "recovery.conf slot-a.conf slot-b.conf" {
		t.Error(got)
	}
	recovery, _ := os.ReadFile(filepath.Join(dir, "loader/entries/recovery.conf"))
	if !strings.Contains(string(recovery), "slot-b/linux") || !strings.Contains(string(recovery), "sallyport.slot=recovery") {
		t.Errorf("%s", recovery)
	}
	if err := slots.Bless(); err != nil {
		t.Error("the second time", err)
	}
}

func TestRefusals(t *testing.T) {
	s, stranger := newSigner(t), newSigner(t)
	good := update(t, s, manifest(), "kernel b", "initrd b")
	with := func(f func(*Manifest)) []byte {
		m := manifest()
		f(&m)
		return update(t, s, m, "kernel b", "initrd b")
	}
	changed := bytes.Replace(slices.Clone(good), []byte(`"2"`), []byte(`"3"`), 1)
	for name, c := range map[string]struct {
		update []byte
		why    string
	}{
		"stranger's":   {update(t, stranger, manifest(), "kernel b", "initrd b"), "none of the keys"},
		"changed":      {changed, "does not fit"},
		"old":          {with(func(m *Manifest) { m.Counter = 10 }), "not newer"},
		"other board":  {with(func(m *Manifest) { m.Board = "rpi4" }), "this update is for"},
		"other arch":   {with(func(m *Manifest) { m.Arch = "arm64" }), "this update is for"},
		"no update":    {[]byte("garbage"), "no update"},
		"empty":        {nil, "no update"},
		"wrong kernel": {update(t, s, manifest(), "kernel x", "initrd b"), "changed on its way"},
		"wrong size":   {update(t, s, manifest(), "kernel", "initrd b"), "not what the manifest says"},
		"cut":          {good[:len(good)-1024-512], "initrd"},
		"cut early":    {good[:3000], ""},
	} {
		slots, dir := machine(t, s)
		_, err := slots.Install(bytes.NewReader(c.update), Options{})
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if got := entries(t, dir); got != "recovery.conf slot-a.conf" {
			t.Errorf("%s: entries %s", name, got)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "sallyport/slot-a/linux")); string(b) != "kernel a" {
			t.Errorf("%s: the running slot was touched", name)
		}
	}
}

func TestDownOnlyByWord(t *testing.T) {
	s := newSigner(t)
	slots, _ := machine(t, s)
	slots.Floor = 20
	if _, err := slots.Install(bytes.NewReader(update(t, s, manifest(), "kernel b", "initrd b")), Options{}); err == nil {
		t.Error("went below what was blessed")
	}
	if _, err := slots.Install(bytes.NewReader(update(t, s, manifest(), "kernel b", "initrd b")), Options{Down: true}); err != nil {
		t.Error(err)
	}
}

func TestChoose(t *testing.T) {
	s := newSigner(t)
	slots, dir := machine(t, s)
	conf := func() string { b, _ := os.ReadFile(filepath.Join(dir, "loader/loader.conf")); return string(b) }
	if err := slots.Choose("b"); err == nil {
		t.Error("an empty slot was chosen")
	}
	for range 2 {
		if err := slots.Choose("a"); err != nil || conf() != "timeout 2\neditor no\ndefault slot-a.conf\n" {
			t.Error(err, conf())
		}
	}
	if _, err := slots.Install(bytes.NewReader(update(t, s, manifest(), "kernel b", "initrd b")), Options{}); err != nil || strings.Contains(conf(), "default") {
		t.Error(err, conf())
	}
}

func TestFailedSlotIsSeen(t *testing.T) {
	s := newSigner(t)
	slots, dir := machine(t, s)
	os.WriteFile(filepath.Join(dir, "loader/entries/slot-b+0-3.conf"), text("sallyport 2", "sallyport", 11, "b", ""), 0o644)
	all, err := slots.List()
	if err != nil || one(all, "b").State != Failed || one(all, "b").Done != 3 {
		t.Errorf("%+v %v", all, err)
	}
}

func FuzzInstall(f *testing.F) {
	f.Add([]byte("garbage"))
	f.Fuzz(func(t *testing.T, b []byte) {
		slots := &Slots{With: func(bool, func(string) error) error { t.Fatal("an unsigned file reached the disk"); return nil }, Running: "a"}
		slots.Install(bytes.NewReader(b), Options{})
	})
}
