package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"sallyport/board/boot"
	"sallyport/board/disk"
	"sallyport/board/module"
)

// machineMode runs what the binary is on its own firmware: the first process,
// the kernel's modprobe, or one of the first process's children. It reports
// false for all that an ordinary machine may ask for too.
func machineMode(argv []string) (bool, error) {
	switch {
	case os.Getpid() == 1:
		boot.Main()
	case filepath.Base(argv[0]) == "modprobe":
		return true, modprobe(argv[1:])
	case len(argv) < 2:
		return false, nil
	case argv[1] == "node":
		return true, machineNode(argv[2:])
	case argv[1] == "steward":
		return true, machineSteward()
	case argv[1] == "console":
		return true, openConsole()
	case argv[1] == "format" && len(argv) == 3:
		return true, disk.Format(argv[2])
	default:
		return false, nil
	}
	return true, nil
}

// modprobe is what the kernel calls when it lacks a module: with -q, --, and a
// name or an alias.
func modprobe(args []string) error {
	l, err := module.Open("/lib/modules")
	if err != nil {
		return err
	}
	var errs []error
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			errs = append(errs, l.Load(a))
		}
	}
	if len(errs) == 0 {
		return fmt.Errorf("modprobe names no module")
	}
	return errors.Join(errs...)
}
