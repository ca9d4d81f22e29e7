package boot

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"sallyport/board"
	"sallyport/board/disk"
	"sallyport/board/slot"
)

// Slots are those of the machine that runs slot running, with its boot
// partition on the device.
func Slots(device, running string, release board.Release) *slot.Slots {
	return &slot.Slots{
		With: func(write bool, f func(string) error) error {
			return disk.WithBoot(device, RunDir+"/boot", write, f)
		},
		Running: running, Release: release, Floor: readCounter(), Stage: DataDir, Pi: onPi(),
	}
}

// OwnSlots are those of this machine, for a superuser's process beside the
// first.
func OwnSlots() (*slot.Slots, error) {
	s, err := AskStatus()
	if err != nil {
		return nil, err
	}
	if s.Slot == "" || s.Boot == "" {
		return nil, errors.New("this box has no slots")
	}
	release, err := board.ReadRelease(board.ReleaseFile)
	return Slots(s.Boot, s.Slot, release), err
}

// onPi reads how this system was started.
func onPi() bool {
	text, _ := os.ReadFile("/proc/cmdline")
	return board.ParseCmdline(string(text)).Pi
}

func readCounter() uint64 {
	b, _ := os.ReadFile(CounterFile)
	n, _ := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	return n
}

// trial tells how far the running slot is to be trusted.
func (m *machine) trial() (string, error) {
	if m.slotless() {
		return "no slot", nil
	}
	blessed, err := Slots(m.boot.Device, m.cmdline.Slot, m.release).Blessed()
	m.isBlessed = blessed
	if !blessed && err == nil {
		return "slot " + m.cmdline.Slot + " is on trial", nil
	}
	return "slot " + m.cmdline.Slot, err
}

func (m *machine) slotless() bool {
	return m.cmdline.Slot == "" || m.cmdline.Recovery() || m.boot.Device == ""
}

// blessed reports whether the running slot needs no more proof: it was good
// before, or the boot loader counts nothing.
func (m *machine) blessed() bool { return m.isBlessed || m.slotless() }

// bless takes the running slot off trial now that its node is healthy.
func (m *machine) bless() {
	if m.slotless() {
		return
	}
	m.step("bless", func() (string, error) {
		if err := Slots(m.boot.Device, m.cmdline.Slot, m.release).Bless(); err != nil {
			return "", err
		}
		m.isBlessed = true
		if m.release.Counter <= readCounter() {
			return "slot " + m.cmdline.Slot, nil
		}
		return "slot " + m.cmdline.Slot, writeFile(CounterFile, fmt.Appendln(nil, m.release.Counter))
	})
}
