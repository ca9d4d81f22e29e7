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
	"fmt"
	"io/fs"
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
		Stage: t.TempDir(),
	}, dir
}

func sum(b string) Part {
	h := sha256.Sum256([]byte(b))
	return Part{hex.EncodeToString(h[:]), int64(len(b))}
}

func manifest() Manifest {
	return Manifest{Version: "2", Counter: 11, Board: "pc", Arch: "amd64", Linux: sum("kernel b"), Initrd: sum("initrd b")}
}

// update is one whose keys stay as they are.
func update(t *testing.T, s signer, m Manifest, linux, initrd string) []byte {
	t.Helper()
	m.Keys = []string{s.key()}
	return signed(t, m, linux, initrd, s)
}

func signed(t *testing.T, m Manifest, linux, initrd string, signers ...signer) []byte {
	t.Helper()
	return bundle(t, m, []string{linux, initrd}, signers)
}

// withMore is an update with the files of m.More, in the order of their names.
func withMore(t *testing.T, s signer, m Manifest, files ...string) []byte {
	t.Helper()
	return bundle(t, m, files, []signer{s})
}

func bundle(t *testing.T, m Manifest, files []string, signers []signer) []byte {
	t.Helper()
	text, _ := json.Marshal(m)
	var signatures []byte
	for _, s := range signers {
		signatures = append(signatures, s.sign(text)...)
	}
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	all := [][2]string{{"manifest.json", string(text)}, {"manifest.json.minisig", string(signatures)}}
	for i, p := range m.parts() {
		all = append(all, [2]string{p.name, files[i]})
	}
	for _, f := range all {
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
	var longer bytes.Buffer
	longer.Write(good[:len(good)-1024])
	tw := tar.NewWriter(&longer)
	tw.WriteHeader(&tar.Header{Name: "more"})
	tw.Close()
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
		"cut":          {good[:len(good)-1024-512], "unexpected EOF"},
		"cut early":    {good[:3000], ""},
		"longer":       {longer.Bytes(), "after its end"},
	} {
		slots, dir := machine(t, s)
		before := everything(t, dir)
		_, err := slots.Install(bytes.NewReader(c.update), Options{})
		if err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v, want %q", name, err, c.why)
		}
		if after := everything(t, dir); after != before {
			t.Errorf("%s: the boot partition was touched:\n%s\nbefore:\n%s", name, after, before)
		}
		if left := everything(t, slots.Stage); left != "" {
			t.Errorf("%s: left on the data partition: %s", name, left)
		}
	}
}

// everything is the content of all files below dir.
func everything(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		fmt.Fprintf(&out, "%s: %s\n", strings.TrimPrefix(path, dir), text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestNothingWrongTouchesAFilledSlot has b good, and cuts an update at each of
// its bytes.
func TestNothingWrongTouchesAFilledSlot(t *testing.T) {
	s := newSigner(t)
	slots, dir := machine(t, s)
	if _, err := slots.Install(bytes.NewReader(update(t, s, manifest(), "kernel b", "initrd b")), Options{}); err != nil {
		t.Fatal(err)
	}
	newer := manifest()
	newer.Counter, newer.Linux, newer.Initrd = 12, sum("kernel c"), sum("initrd c")
	whole := update(t, s, newer, "kernel c", "initrd c")
	before := everything(t, dir)
	for n := 0; n < len(whole)-1024-512+len("initrd c"); n += 97 {
		if _, err := slots.Install(bytes.NewReader(whole[:n]), Options{}); err == nil {
			t.Fatalf("%d of %d bytes were taken for an update", n, len(whole))
		}
		if after := everything(t, dir); after != before {
			t.Fatalf("cut at %d: the boot partition was touched:\n%s", n, after)
		}
	}
	if _, err := slots.Install(bytes.NewReader(whole), Options{}); err != nil {
		t.Error(err)
	}
}

// TestKeysChangeByTwoOfThree rotates keys.
func TestKeysChangeByTwoOfThree(t *testing.T) {
	a, b, c, d := newSigner(t), newSigner(t), newSigner(t), newSigner(t)
	have := []string{a.key(), b.key(), c.key()}
	next := []string{a.key(), b.key(), d.key()}
	for name, x := range map[string]struct {
		have, next []string
		signers    []signer
		why        string
	}{
		"as they are":        {have, []string{c.key(), a.key(), b.key()}, []signer{c}, ""},
		"one wants":          {have, next, []signer{a}, "2 of them must have signed"},
		"one wants twice":    {have, next, []signer{a, a}, "2 of them must have signed"},
		"a newcomer wants":   {have, next, []signer{a, d}, "2 of them must have signed"},
		"two want":           {have, next, []signer{a, b}, ""},
		"two and a stranger": {have, next, []signer{d, b, a}, ""},
		"none left":          {have, nil, []signer{a, b}, "one to three"},
		"too many":           {have, append(slices.Clone(have), d.key()), []signer{a, b}, "one to three"},
		"no key":             {have, []string{"x"}, []signer{a, b}, "key \"x\""},
		"the only one wants": {have[:1], []string{d.key()}, []signer{a}, ""},
		"of two only one":    {have[:2], []string{a.key()}, []signer{b}, "2 of them must have signed"},
	} {
		slots, dir := machine(t, a)
		slots.Release.Keys = x.have
		m := manifest()
		m.Keys = x.next
		before := everything(t, dir)
		_, err := slots.Install(bytes.NewReader(signed(t, m, "kernel b", "initrd b", x.signers...)), Options{})
		switch {
		case x.why == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case x.why != "" && (err == nil || !strings.Contains(err.Error(), x.why)):
			t.Errorf("%s: %v, want %q", name, err, x.why)
		case x.why != "" && everything(t, dir) != before:
			t.Errorf("%s: the boot partition was touched", name)
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
