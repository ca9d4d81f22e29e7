package slot

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jedisct1/go-minisign"
)

// Manifest is what an update says of itself, signed.
type Manifest struct {
	Version     string `json:"version"`
	Counter     uint64 `json:"counter"`
	Commit      string `json:"commit"`
	Board       string `json:"board"`
	Arch        string `json:"arch"`
	Development bool   `json:"development"`
	Linux       Part   `json:"linux"`
	Initrd      Part   `json:"initrd"`
}

// Part is one file of it.
type Part struct {
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// What no update exceeds.
const (
	maxManifest  = 64 << 10
	maxSignature = 8 << 10
	maxPart      = 200 << 20
)

// Options of an update.
type Options struct {
	Down     bool // an older version is meant: whoever stands at the box has typed it
	Progress func(done, all int64)
}

// Install reads an update into the slot that does not run and puts it on
// trial. Nothing is written before signature, board and counter are known to be
// right, and the boot loader learns of the slot only when all of it is on the
// disk and was read back: until then a cut leaves a slot that is not started.
func (s *Slots) Install(r io.Reader, o Options) (Manifest, error) {
	t := tar.NewReader(r)
	m, err := s.manifest(t, o)
	if err != nil {
		return m, err
	}
	return m, s.With(true, func(dir string) error {
		all, err := list(dir)
		if err != nil {
			return err
		}
		if one(all, s.Running).State != Good {
			return errors.New("the running system is on trial itself: the other slot is what it would fall back to")
		}
		return s.fill(dir, t, m, one(all, s.Running), one(all, s.idle()), o)
	})
}

func (s *Slots) idle() string {
	if s.Running == "a" {
		return "b"
	}
	return "a"
}

// manifest reads and judges what stands at the front.
func (s *Slots) manifest(t *tar.Reader, o Options) (m Manifest, err error) {
	if s.Running != "a" && s.Running != "b" {
		return m, errors.New("only a system that runs from a slot can be updated")
	}
	text, err := file(t, "manifest.json", maxManifest)
	if err != nil {
		return m, err
	}
	signature, err := file(t, "manifest.json.minisig", maxSignature)
	if err != nil {
		return m, err
	}
	if err := verify(text, signature, s.Release.Keys); err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	return m, s.judge(m, o)
}

func (s *Slots) judge(m Manifest, o Options) error {
	floor := max(s.Floor, s.Release.Counter)
	switch {
	case m.Board != s.Release.Board || m.Arch != s.Release.Arch:
		return fmt.Errorf("this update is for %s (%s); this box is %s (%s)", m.Board, m.Arch, s.Release.Board, s.Release.Arch)
	case m.Counter <= floor && !o.Down:
		return fmt.Errorf("version %s (counter %d) is not newer than counter %d; going back is possible at the console only", m.Version, m.Counter, floor)
	case m.Linux.Size <= 0 || m.Linux.Size > maxPart || m.Initrd.Size <= 0 || m.Initrd.Size > maxPart:
		return errors.New("the manifest's sizes make no sense")
	}
	return nil
}

// file reads the next file of the update, which must have that name.
func file(t *tar.Reader, name string, most int64) ([]byte, error) {
	h, err := t.Next()
	if err != nil {
		return nil, fmt.Errorf("this is no update: %w", err)
	}
	if h.Name != name || h.Size > most {
		return nil, fmt.Errorf("this is no update: %q stands where %s should", h.Name, name)
	}
	return io.ReadAll(io.LimitReader(t, most))
}

// verify wants the signature of one of the keys.
func verify(text, signature []byte, keys []string) error {
	sig, err := minisign.DecodeSignature(string(signature))
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	for _, k := range keys {
		public, err := minisign.NewPublicKey(k)
		if err != nil || public.KeyId != sig.KeyId {
			continue
		}
		if ok, err := public.Verify(text, sig); ok && err == nil {
			return nil
		}
		return errors.New("the signature does not fit: the update was changed on its way")
	}
	return errors.New("the update is signed by none of the keys that this system trusts")
}

// fill writes the idle slot.
func (s *Slots) fill(dir string, t *tar.Reader, m Manifest, running, idle Slot, o Options) error {
	entries := filepath.Join(dir, "loader/entries")
	if idle.State != Empty {
		if err := os.Remove(idle.file); err != nil {
			return err
		}
		if err := syncDir(entries); err != nil {
			return err
		}
	}
	folder := filepath.Join(dir, "sallyport/slot-"+idle.Name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	p := progress{all: m.Linux.Size + m.Initrd.Size, tell: o.Progress}
	for _, f := range []struct {
		name string
		part Part
	}{{"linux", m.Linux}, {"initrd", m.Initrd}} {
		if err := p.part(t, filepath.Join(folder, f.name), f.name, f.part); err != nil {
			return err
		}
	}
	if err := setDefault(dir, ""); err != nil {
		return err
	}
	name := filepath.Join(entries, fmt.Sprintf("slot-%s+%d.conf", idle.Name, Tries))
	version := m.Counter
	if have, err := strconv.ParseUint(running.Version, 10, 64); err == nil && o.Down {
		version = max(version, have+1) // the loader takes the greatest
	}
	if err := replace(name, text("sallyport "+m.Version, "sallyport", version, idle.Name, forSlot(running.Options, idle.Name))); err != nil {
		return err
	}
	return syncDir(entries)
}

// progress counts what has been written.
type progress struct {
	done, all int64
	tell      func(done, all int64)
}

func (p *progress) Write(b []byte) (int, error) {
	p.done += int64(len(b))
	if p.tell != nil {
		p.tell(p.done, p.all)
	}
	return len(b), nil
}

// part writes one file, and reads it back.
func (p *progress) part(t *tar.Reader, path, name string, want Part) error {
	h, err := t.Next()
	if err != nil {
		return fmt.Errorf("the update ends early: %w", err)
	}
	if h.Name != name || h.Size != want.Size {
		return fmt.Errorf("%q is not what the manifest says: %s of %d bytes", h.Name, name, want.Size)
	}
	os.Remove(path) // its room is needed
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum, p), t); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := fits(sum, want, name+" was changed on its way"); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return readBack(f, want, name)
}

func readBack(f *os.File, want Part, name string) error {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	dropCache(f)
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	return fits(sum, want, name+" reads back otherwise than it was written: the disk is at fault")
}

func fits(sum hash.Hash, want Part, why string) error {
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return errors.New(why)
	}
	return nil
}
