package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"sallyport/appliance"
	"sallyport/board/boot"
	"sallyport/board/console"
	"sallyport/board/disk"
	"sallyport/board/slot"
)

// bootPrefix marks a file that lies on the boot partition.
const bootPrefix = "boot:"

// Files lists the sftp folder, and what of the boot partition can be a backup
// or an update by its name.
func (rescue) Files() ([]string, error) {
	var names []string
	entries, err := os.ReadDir(filepath.Join(boot.NodeDir, "files"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && portable(e.Name()) {
			names = append(names, e.Name())
		}
	}
	err = onBoot(func(dir string) error {
		entries, err := os.ReadDir(dir)
		for _, e := range entries {
			if e.Type().IsRegular() && portable(e.Name()) {
				names = append(names, bootPrefix+e.Name())
			}
		}
		return err
	})
	return names, err
}

func portable(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".age" || ext == ".update" || ext == ".tar"
}

// onBoot gives f the boot partition, to read.
func onBoot(f func(dir string) error) error {
	s, err := boot.AskStatus()
	if err != nil || s.Boot == "" {
		return err
	}
	return disk.WithBoot(s.Boot, boot.RunDir+"/boot", false, f)
}

// withFile opens a file that Files named. One of the boot partition is copied
// first: the partition is mounted anew by whoever writes to it.
func withFile(name string, f func(io.Reader) error) error {
	on, fromBoot := strings.CutPrefix(name, bootPrefix)
	if on != filepath.Base(on) || !portable(on) {
		return fmt.Errorf("%q is none of the files", name)
	}
	if !fromBoot {
		return readFile(filepath.Join(boot.NodeDir, "files", on), f)
	}
	incoming := filepath.Join(boot.DataDir, "incoming")
	defer os.Remove(incoming)
	if err := onBoot(func(dir string) error { return readFile(filepath.Join(dir, on), copyTo(incoming)) }); err != nil {
		return err
	}
	return readFile(incoming, f)
}

func readFile(path string, f func(io.Reader) error) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r)
}

func copyTo(path string) func(io.Reader) error {
	return func(r io.Reader) error {
		w, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(w, r)
		return errors.Join(err, w.Close())
	}
}

// Restore makes the node, which is stopped, what a backup says.
func (rescue) Restore(role, file, passphrase string, agreed func(string) bool) (became string, err error) {
	err = withFile(file, func(r io.Reader) error {
		a, of, err := appliance.OpenBackup(r, passphrase)
		if err != nil {
			return err
		}
		if role != "" {
			if of, err = roleOf(role); err != nil {
				return err
			}
		}
		return appliance.RestoreOffline(boot.NodeDir, of, ownVault(), a, func(plan *appliance.Restore) bool {
			var difference strings.Builder
			plan.Print(&difference)
			if !agreed(difference.String()) {
				return false
			}
			became = of.String()
			return true
		})
	})
	return became, err
}

// Install puts an update into the idle slot.
func (rescue) Install(file string, down bool, progress func(done, all int64)) (version string, err error) {
	slots, err := boot.OwnSlots()
	if err != nil {
		return "", err
	}
	err = withFile(file, func(r io.Reader) error {
		m, err := slots.Install(r, slot.Options{Down: down, Progress: progress})
		version = m.Version
		return err
	})
	if older := new(slot.OlderError); errors.As(err, &older) {
		return "", fmt.Errorf("%w: %w", console.ErrOlder, err)
	}
	return version, err
}
