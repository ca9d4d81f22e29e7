package slot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// A Raspberry Pi's boot loader counts no tries and reads no entries. It takes
// config.txt, or once, when a restart asks for it, tryboot.txt; each names the
// folder of a slot. So the box does what the loader does elsewhere: an update on
// trial is in tryboot.txt, each restart that may try it takes one of its tries,
// and a blessed slot is put into config.txt. A try that fails ends in a plain
// restart, which is config.txt again.

// PiConfig is the file that starts a slot.
func PiConfig(slot string) []byte {
	return fmt.Appendf(nil, "arm_64bit=1\nenable_uart=1\nos_prefix=sallyport/slot-%s/\nkernel=linux\ninitramfs initrd followkernel\n"+
		"[pi4]\ndtoverlay=disable-bt\n[pi5]\ndtoverlay=disable-bt-pi5\n[all]\n", slot)
}

const (
	piUsual = "config.txt"
	piOnce  = "tryboot.txt"
)

// pi makes a slot that was filled ready for its trial: its command line says
// which slot it is.
func (s *Slots) pi(dir, name string) error {
	if !s.Pi {
		return nil
	}
	path := filepath.Join(dir, "sallyport/slot-"+name, "cmdline.txt")
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("the update is not for this boot loader: %w", err)
	}
	line := forSlot(strings.TrimSpace(string(text)), name) + "\n"
	return errors.Join(replace(path, []byte(line)), replace(filepath.Join(dir, piOnce), PiConfig(name)))
}

// piGood has the boot loader start a slot from now on.
func (s *Slots) piGood(dir, name string) error {
	if !s.Pi {
		return nil
	}
	if err := replace(filepath.Join(dir, piUsual), PiConfig(name)); err != nil {
		return err
	}
	err := os.Remove(filepath.Join(dir, piOnce))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (s *Slots) piChoose(dir, name string) error {
	if name == "recovery" {
		return errors.New("this board has no recovery entry; its menu is always at hand here")
	}
	return errors.Join(s.piGood(dir, name), syncDir(dir))
}

// Try takes one try of a slot on trial, where the boot loader does not count,
// and reports whether the restart shall be for it.
func (s *Slots) Try() (try bool, err error) {
	if !s.Pi {
		return false, nil
	}
	return try, s.With(true, func(dir string) error {
		all, err := list(dir)
		if err != nil {
			return err
		}
		idle := one(all, s.idle())
		if idle.State != Trial || one(all, s.Running).State != Good {
			return nil
		}
		next := filepath.Join(dir, "loader/entries", fmt.Sprintf("slot-%s+%d-%d.conf", idle.Name, idle.Left-1, idle.Done+1))
		if err := os.Rename(idle.file, next); err != nil {
			return err
		}
		try = true
		return syncDir(filepath.Dir(next))
	})
}
