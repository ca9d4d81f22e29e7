package slot

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
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

	More map[string]Part `json:"more,omitempty"` // what a Raspberry Pi needs beside

	// Keys are those that the new system trusts. Where they are not the ones of
	// the running system, two of those must have signed.
	Keys []string `json:"keys"`
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

// Install takes an update and puts it on trial in the slot that does not run.
// Signature, board and counter are judged first; then the whole update is laid
// down on the data partition and its sums are compared. Only what is known to
// be whole comes near the slot: a cut, wrong, old or unsigned file leaves the
// boot partition as it was. The boot loader learns of the slot when all of it
// is on the disk and was read back.
func (s *Slots) Install(r io.Reader, o Options) (Manifest, error) {
	t := tar.NewReader(r)
	m, err := s.manifest(t, o)
	if err != nil {
		return m, err
	}
	running, err := s.foundation()
	if err != nil {
		return m, err
	}
	p := progress{all: 2 * m.size(), tell: o.Progress}
	staged, err := s.stage(t, m, &p)
	if err != nil {
		return m, err
	}
	defer os.RemoveAll(staged)
	return m, s.With(true, func(dir string) error {
		all, err := list(dir)
		if err != nil {
			return err
		}
		return s.fill(dir, staged, m, running, one(all, s.idle()), &p, o)
	})
}

// foundation is the running slot, if it may be built upon: what is on trial
// itself has the other slot to fall back to.
func (s *Slots) foundation() (running Slot, err error) {
	all, err := s.List()
	if err != nil {
		return running, err
	}
	if running = one(all, s.Running); running.State != Good {
		return running, errors.New("the running system is on trial itself: the other slot is what it would fall back to")
	}
	return running, nil
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
	signers, err := verify(text, signature, s.Release.Keys)
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("manifest: %w", err)
	}
	return m, errors.Join(s.judge(m, o), s.judgeKeys(m, signers))
}

func (s *Slots) judge(m Manifest, o Options) error {
	floor := max(s.Floor, s.Release.Counter)
	switch {
	case m.Board != s.Release.Board || m.Arch != s.Release.Arch:
		return fmt.Errorf("this update is for %s (%s); this box is %s (%s)", m.Board, m.Arch, s.Release.Board, s.Release.Arch)
	case m.Counter <= floor && !o.Down:
		return &OlderError{m.Version, m.Counter, floor}
	case m.Linux.Size <= 0 || m.Linux.Size > maxPart || m.Initrd.Size <= 0 || m.Initrd.Size > maxPart:
		return errors.New("the manifest's sizes make no sense")
	}
	return m.judgeMore()
}

// maxMore is how many further files an update has, and how large each may be.
const (
	maxMore     = 16
	maxMoreSize = 1 << 20
)

// judgeMore keeps further files below the slot's folder.
func (m Manifest) judgeMore() error {
	if len(m.More) > maxMore {
		return errors.New("the manifest has too many files")
	}
	for name, p := range m.More {
		if !plainName().MatchString(name) || name == "linux" || name == "initrd" || p.Size <= 0 || p.Size > maxMoreSize {
			return fmt.Errorf("the manifest's file %.60q makes no sense", name)
		}
	}
	return nil
}

func plainName() *regexp.Regexp { return regexp.MustCompile(`^(overlays/)?[a-z0-9][a-z0-9.-]*$`) }

// OlderError is an update that is not newer than what was good here.
type OlderError struct {
	Version        string
	Counter, Floor uint64
}

func (e *OlderError) Error() string {
	return fmt.Sprintf("version %s (counter %d) is not newer than counter %d; going back is possible at the console only", e.Version, e.Counter, e.Floor)
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

// fill writes the idle slot from the folder where the update was staged.
func (s *Slots) fill(dir, staged string, m Manifest, running, idle Slot, p *progress, o Options) error {
	folder := filepath.Join(dir, "sallyport/slot-"+idle.Name)
	if err := room(dir, folder, m); err != nil {
		return err
	}
	entries := filepath.Join(dir, "loader/entries")
	if idle.State != Empty {
		if err := os.Remove(idle.file); err != nil {
			return err
		}
		if err := syncDir(entries); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	for _, f := range m.parts() {
		if err := p.move(filepath.Join(staged, f.name), filepath.Join(folder, f.name), f); err != nil {
			return err
		}
	}
	if err := s.pi(dir, idle.Name); err != nil {
		return err
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
