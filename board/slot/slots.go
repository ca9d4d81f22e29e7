package slot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sallyport/board"
)

// Slots are those of one machine.
type Slots struct {
	// With gives f the boot partition for as long as it runs.
	With func(write bool, f func(dir string) error) error

	Running string // the slot that was started
	Release board.Release
	Floor   uint64 // the greatest counter that was ever blessed here
	Pi      bool   // its boot loader is told by config.txt and tryboot.txt
	Stage   string // folder where an update is laid down until it is known to be whole
}

// List reads what there is.
func (s *Slots) List() (out []Slot, err error) {
	err = s.With(false, func(dir string) error {
		out, err = list(dir)
		return err
	})
	return out, err
}

// Blessed reports whether the running slot needs no proof any more.
func (s *Slots) Blessed() (bool, error) {
	all, err := s.List()
	return err == nil && one(all, s.Running).State == Good, err
}

// Bless takes the running slot off trial, and lets the recovery entry start
// its files: recovery is always a system that worked.
func (s *Slots) Bless() error {
	if s.Running != "a" && s.Running != "b" {
		return nil
	}
	return s.With(true, func(dir string) error {
		all, err := list(dir)
		if err != nil {
			return err
		}
		me := one(all, s.Running)
		if me.State == Empty {
			return fmt.Errorf("slot %s has no entry", s.Running)
		}
		if err := s.piGood(dir, s.Running); err != nil {
			return err
		}
		good := filepath.Join(dir, "loader/entries/slot-"+s.Running+".conf")
		if me.file != good {
			if err := os.Rename(me.file, good); err != nil {
				return err
			}
		}
		return errors.Join(s.moveRecovery(dir, me), syncDir(filepath.Join(dir, "loader/entries")))
	})
}

func (s *Slots) moveRecovery(dir string, me Slot) error {
	path := filepath.Join(dir, "loader/entries/recovery.conf")
	want := text("sallyport recovery", "sallyport-recovery", 0, s.Running, forSlot(me.Options, "recovery"))
	if have, err := os.ReadFile(path); err == nil && string(have) == string(want) {
		return nil
	}
	return replace(path, want)
}

// Choose has the boot loader start a slot from now on, whatever its version. An
// update ends that. It is for whoever stands at the box: it may go back to an
// older version.
func (s *Slots) Choose(name string) error {
	return s.With(true, func(dir string) error {
		all, err := list(dir)
		if err != nil {
			return err
		}
		if one(all, name).State == Empty {
			return fmt.Errorf("slot %q holds nothing to start", name)
		}
		if s.Pi {
			return s.piChoose(dir, name)
		}
		file := "recovery.conf"
		if name != "recovery" {
			file = "slot-" + name + ".conf"
		}
		return setDefault(dir, file)
	})
}

// setDefault writes the boot loader's first choice; "" leaves it to versions
// and tries.
func setDefault(dir, file string) error {
	path := filepath.Join(dir, "loader/loader.conf")
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var out strings.Builder
	for line := range strings.Lines(string(have)) {
		if !strings.HasPrefix(line, "default ") {
			out.WriteString(strings.TrimRight(line, "\r\n") + "\n")
		}
	}
	if file != "" {
		out.WriteString("default " + file + "\n")
	}
	if out.String() == string(have) {
		return nil
	}
	return replace(path, []byte(out.String()))
}

// replace writes a file beside the old one and puts it in its place.
func replace(path string, b []byte) error {
	tmp := path + ".new"
	if err := writeSynced(tmp, b); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
