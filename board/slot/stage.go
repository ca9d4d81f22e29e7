package slot

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"sallyport/board"
)

// named is one file of an update.
type named struct {
	name string
	Part
}

func (m Manifest) parts() []named {
	parts := []named{{"linux", m.Linux}, {"initrd", m.Initrd}}
	for _, name := range slices.Sorted(maps.Keys(m.More)) {
		parts = append(parts, named{name, m.More[name]})
	}
	return parts
}

// size is that of all files together.
func (m Manifest) size() (n int64) {
	for _, f := range m.parts() {
		n += f.Size
	}
	return n
}

// stageName is the folder on the data partition. It is the same each time, so
// that what a power cut left there goes with the next update.
const stageName = "update.staged"

// spare is what must stay free on a file system after an update.
const spare = 1 << 20

// stage lays the update down outside the slots and compares its sums.
func (s *Slots) stage(t *tar.Reader, m Manifest, p *progress) (string, error) {
	dir := filepath.Join(s.Stage, stageName)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if _, free, err := board.Room(s.Stage); err == nil && free < m.size()+spare {
		return "", fmt.Errorf("disk full: the update needs %d MiB on the data partition, %d are free; remove files from the sftp folder", (m.size()+spare)>>20+1, free>>20)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	if err := m.receive(t, dir, p); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return dir, nil
}

// receive takes the files out of the update, which ends after them.
func (m Manifest) receive(t *tar.Reader, dir string, p *progress) error {
	for _, f := range m.parts() {
		if err := p.receive(t, filepath.Join(dir, f.name), f); err != nil {
			return err
		}
	}
	switch _, err := t.Next(); {
	case err == nil:
		return errors.New("the update goes on after its end")
	case !errors.Is(err, io.EOF):
		return fmt.Errorf("the update ends early: %w", err)
	}
	return nil
}

// room refuses an update that does not fit before anything of the slot is
// given up. What the slot holds now makes room.
func room(dir, folder string, m Manifest) error {
	_, free, err := board.Room(dir)
	if err != nil {
		return err
	}
	for _, f := range m.parts() {
		if st, err := os.Stat(filepath.Join(folder, f.name)); err == nil {
			free += st.Size()
		}
	}
	if need := m.size() + spare; free < need {
		return fmt.Errorf("the slot needs %d MiB on the boot partition, %d are free", need>>20+1, free>>20)
	}
	return nil
}

// progress counts what has been written, once beside the slot and once into it.
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

// receive takes one file out of the update.
func (p *progress) receive(t *tar.Reader, path string, want named) error {
	h, err := t.Next()
	if err != nil {
		return fmt.Errorf("the update ends early: %w", err)
	}
	if h.Name != want.name || h.Size != want.Size {
		return fmt.Errorf("%q is not what the manifest says: %s of %d bytes", h.Name, want.name, want.Size)
	}
	return p.write(t, path, want, want.name+" was changed on its way")
}

// move puts a staged file into a slot and reads it back.
func (p *progress) move(from, to string, want named) error {
	r, err := os.Open(from)
	if err != nil {
		return err
	}
	defer r.Close()
	os.Remove(to) // its room is needed
	if err := p.write(r, to, want, want.name+" was changed on the data partition: the disk is at fault"); err != nil {
		return err
	}
	return readBack(to, want)
}

// write copies r to a file that is on the disk when it returns.
func (p *progress) write(r io.Reader, path string, want named, otherwise string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(io.MultiWriter(f, sum, p), r); err != nil {
		return fmt.Errorf("%s: %w", want.name, err)
	}
	if err := fits(sum, want, otherwise); err != nil {
		return err
	}
	return f.Sync()
}

func readBack(path string, want named) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	dropCache(f)
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return err
	}
	return fits(sum, want, want.name+" reads back otherwise than it was written: the disk is at fault")
}

func fits(sum hash.Hash, want named, why string) error {
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return errors.New(why)
	}
	return nil
}
