// Package watchdog keeps the machine's hardware watchdog fed. PID 1 opens it as
// early as it can and feeds it from its own loop, so that a machine whose first
// process hangs starts anew.
package watchdog

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Device is an armed watchdog. A nil one, of a machine without, can be fed.
type Device struct {
	f        *os.File
	Identity string
	Timeout  time.Duration
}

// rank says how much a watchdog is worth by what it calls itself: those of the
// chipset reset a machine that nothing else can.
func rank(identity string) int {
	id := strings.ToLower(identity)
	for i, word := range []string{"itco", "sp5100", "sbsa", "sp805", "bcm2835", "i6300esb", "wdat", "imx2"} {
		if strings.Contains(id, word) {
			return i
		}
	}
	if strings.Contains(id, "soft") {
		return 100
	}
	return 50
}

// Choose picks the device below sys that is best by identity: which is called
// watchdog0 depends on which driver came first.
func Choose(sys string) (dev, identity string, ok bool) {
	dirs, _ := filepath.Glob(filepath.Join(sys, "class/watchdog/watchdog*"))
	sort.Strings(dirs)
	best := 1000
	for _, d := range dirs {
		b, _ := os.ReadFile(filepath.Join(d, "identity"))
		id := strings.TrimSpace(string(b))
		if r := rank(id); r < best {
			best, dev, identity, ok = r, filepath.Base(d), id, true
		}
	}
	return dev, identity, ok
}

// Open arms the machine's watchdog. Without any it returns nil and no error.
func Open(sys, devices string, timeout time.Duration) (*Device, error) {
	name, identity, ok := Choose(sys)
	if !ok {
		return nil, nil
	}
	f, err := os.OpenFile(filepath.Join(devices, name), os.O_WRONLY, 0)
	if err != nil {
		return nil, fmt.Errorf("watchdog %s: %w", identity, err)
	}
	d := &Device{f: f, Identity: identity, Timeout: timeout}
	seconds := int(timeout / time.Second)
	if err := unix.IoctlSetPointerInt(int(f.Fd()), unix.WDIOC_SETTIMEOUT, seconds); err == nil {
		if got, err := unix.IoctlGetInt(int(f.Fd()), unix.WDIOC_GETTIMEOUT); err == nil {
			d.Timeout = time.Duration(got) * time.Second
		}
	}
	d.Feed()
	return d, nil
}

// Feed puts the reset off by another Timeout.
func (d *Device) Feed() error {
	if d == nil {
		return nil
	}
	_, err := d.f.Write([]byte{0})
	return err
}

// Close disarms it, where the hardware lets itself be disarmed.
func (d *Device) Close() error {
	if d == nil {
		return nil
	}
	d.f.Write([]byte{'V'})
	return d.f.Close()
}
