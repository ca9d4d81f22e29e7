package trust

import (
	"fmt"
	"os"
	"path/filepath"
)

// writeFile replaces a file of the directory so that a power cut leaves the
// old content or the new, whole either way.
func (t *Trust) writeFile(name string, data []byte) error {
	tmp, err := os.CreateTemp(t.dir, "."+name+".*") // CreateTemp makes it 0600
	if err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	if err := fill(tmp, data); err != nil {
		return fmt.Errorf("trust: write %s: %w", name, err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(t.dir, name)); err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	return syncDir(t.dir)
}

func (t *Trust) removeFile(name string) error {
	err := os.Remove(filepath.Join(t.dir, name))
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("trust: %w", err)
	}
	return syncDir(t.dir)
}

func fill(f *os.File, data []byte) error {
	if _, err := f.Write(data); err != nil {
		f.Close()
		return err
	}
	if err := f.Sync(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// syncDir makes a rename or removal durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("trust: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("trust: sync %s: %w", dir, err)
	}
	return nil
}
