package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/disk"
)

// ownDisk is the one that the boot partition is on.
func ownDisk() (name, device string, err error) {
	s, err := boot.AskStatus()
	if err != nil {
		return "", "", err
	}
	for _, p := range disk.Partitions("/sys") {
		if p.Device == s.Boot && p.Disk != "" {
			return p.Disk, p.Device, nil
		}
	}
	return "", "", errors.New("the box does not know which disk it runs from")
}

// Disks lists the others.
func (rescue) Disks() (lines []string, err error) {
	own, _, err := ownDisk()
	if err != nil {
		return nil, err
	}
	for _, d := range board.Detect("/sys", "/proc").Disks {
		if d.Name != own && !strings.HasPrefix(d.Name, "sr") {
			lines = append(lines, fmt.Sprintf("%s  %.1f GB  %s", d.Name, float64(d.Bytes)/1e9, d.Model))
		}
	}
	return lines, nil
}

// Clone puts the system on another disk. The boot partition is mounted to be
// read meanwhile, which keeps all others from writing to it.
func (rescue) Clone(name string, progress func(what string, done, all int64)) error {
	own, device, err := ownDisk()
	if err != nil {
		return err
	}
	if name != filepath.Base(name) {
		return fmt.Errorf("%q is no disk", name)
	}
	return disk.WithBoot(device, boot.RunDir+"/boot", false, func(string) error {
		return disk.Clone(context.Background(), "/dev/"+own, "/dev/"+name, progress)
	})
}
