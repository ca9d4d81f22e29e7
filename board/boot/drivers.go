package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"strings"
	"time"

	"sallyport/board/disk"
	"sallyport/board/module"
)

// drivers loads what the image wants loaded, and then a driver for each device
// but the processor itself: those test themselves for seconds, and nothing
// waits for them.
func (m *machine) drivers() (string, error) {
	l, err := module.Open("/lib/modules")
	if errors.Is(err, fs.ErrNotExist) {
		return "all built in", nil
	}
	if err != nil {
		return "", err
	}
	m.loader = l
	l.Skip = func(alias string) bool { return strings.HasPrefix(alias, "cpu:") }
	for _, name := range l.Index.Preload() {
		if err := l.Load(name); err != nil {
			m.say("drivers: %v", err)
		}
	}
	n, failed := l.Coldplug()
	for _, f := range failed {
		m.say("drivers: %s", f)
	}
	return fmt.Sprintf("%d loaded for devices", n), nil
}

// lateDrivers loads those of the processor and of what was found since, and
// lets go of the index.
func (m *machine) lateDrivers() {
	l := m.loader
	m.loader = nil
	if l == nil {
		return
	}
	nocpu := m.cmdline.NoCPU
	l.Skip = func(alias string) bool { return nocpu && strings.HasPrefix(alias, "cpu:") }
	go func() {
		l.Coldplug()
		l = nil
		debug.FreeOSMemory()
	}()
}

// diskWithin is how long slow buses may take to show the disk.
const diskWithin = 20 * time.Second

// awaitDisk looks for the image's partitions until they appear.
func (m *machine) awaitDisk() error {
	booted := disk.Booted("/sys/firmware/efi/efivars")
	for end := time.Now().Add(diskWithin); ; {
		var err error
		m.boot, m.data, err = disk.Find(disk.Prefer(disk.Partitions("/sys"), booted))
		if err == nil || time.Now().After(end) {
			return err
		}
		m.dog.Feed()
		time.Sleep(100 * time.Millisecond)
		if m.loader != nil {
			m.loader.Coldplug()
		}
	}
}
