package boot

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"sallyport/board/clock"
	"sallyport/board/disk"
)

// findDisk brings up the data partition, and with it the role. What goes wrong
// is kept as trouble: the consoles come up all the same.
func (m *machine) findDisk() {
	defer m.lateDrivers()
	err := m.step("disk", func() (string, error) {
		err := m.awaitDisk()
		return fmt.Sprintf("boot %s, data %s", m.boot.Device, m.data.Device), err
	})
	if err == nil {
		m.step("slots", m.trial)
		m.widen()
		err = m.step("data", m.openData)
	}
	if err != nil {
		m.trouble = err.Error()
		return
	}
	m.step("clock", m.beginClock)
	m.readRole()
	m.step("first boot", m.firstBoot)
}

// widen gives the data partition the rest of the disk. Without it the box
// works too.
func (m *machine) widen() {
	if m.cmdline.Recovery() || m.data.Disk == "" {
		return
	}
	grown, err := disk.GrowPartition("/dev/"+m.data.Disk, m.data.Number)
	if err != nil {
		m.say("data: %v", err)
	}
	if grown > 0 {
		m.say("data: the partition grew by %d MiB", grown>>20)
	}
}

// openData mounts the data partition; a new one gets a file system first.
func (m *machine) openData() (string, error) {
	state, err := disk.Probe(m.data.Device)
	if err != nil {
		return "", err
	}
	said := "ext4"
	switch state {
	case disk.Damaged:
		return "", fmt.Errorf("%s holds no file system that can be read; it was left as it is", m.data.Device)
	case disk.Blank:
		if m.cmdline.Recovery() {
			return "", fmt.Errorf("%s has no file system yet", m.data.Device)
		}
		if err := m.format(); err != nil {
			return "", err
		}
		said = "formatted"
	}
	if err := disk.MountData(m.data.Device, DataDir); err != nil {
		return "", err
	}
	m.mounted = true
	grown, err := disk.Grow(m.data.Device, DataDir)
	if err != nil {
		m.say("data: %v", err)
	}
	if grown > 0 {
		said += fmt.Sprintf(", grown by %d MiB", grown>>20)
	}
	// The node finds its own folder and nothing else.
	return said, errors.Join(os.Chmod(DataDir, 0o711), os.MkdirAll(NodeDir, 0o700))
}

// beginClock gives the machine a time that is not before what it has seen.
func (m *machine) beginClock() (string, error) {
	by, err := clock.Begin(ClockFile, time.Now(), clock.Set)
	if by == 0 {
		return time.Now().UTC().Format(time.DateTime), err
	}
	return "moved to the newest time known: " + time.Now().UTC().Format(time.DateTime), err
}

// format runs as a child: it needs memory that the first process would never
// give back.
func (m *machine) format() error {
	log := &ring{max: 4096}
	_, done, err := m.spawn([]string{"sallyport", "format", m.data.Device}, log, &syscall.SysProcAttr{Setsid: true})
	if err != nil {
		return err
	}
	if st := <-done; !st.Exited() || st.ExitStatus() != 0 {
		return fmt.Errorf("format %s: %s: %s", m.data.Device, describe(st), strings.TrimSpace(log.Tail(1000)))
	}
	return nil
}

// reformat empties the data partition. The console has asked for it in words.
func (m *machine) reformat() error {
	if m.node.running() {
		return fmt.Errorf("the node runs")
	}
	if m.data.Device == "" {
		return disk.ErrNotFound
	}
	if m.mounted {
		if err := syscall.Unmount(DataDir, 0); err != nil {
			return fmt.Errorf("unmount: %w", err)
		}
		m.mounted = false
	}
	if err := m.format(); err != nil {
		return err
	}
	if _, err := m.openData(); err != nil {
		return err
	}
	m.trouble, m.role = "", ""
	m.node.why = m.idleReason()
	return nil
}

// readRole reads what this box is.
func (m *machine) readRole() {
	b, err := os.ReadFile(RoleFile)
	if err != nil {
		return
	}
	if role := strings.TrimSpace(string(b)); validRole(role) {
		m.role = role
	}
}

func validRole(role string) bool { return role == "edge" || role == "core" }

// setRole decides what this box is, once.
func (m *machine) setRole(role string) error {
	switch {
	case !validRole(role):
		return fmt.Errorf("%q is no role: edge or core", role)
	case !m.mounted:
		return fmt.Errorf("no data partition: %s", m.trouble)
	case m.role != "" && m.role != role:
		return fmt.Errorf("this box is %s; only a factory reset changes that", m.role)
	}
	if err := writeFile(RoleFile, []byte(role+"\n")); err != nil {
		return err
	}
	m.role = role
	return nil
}

// writeFile replaces a file so that after a power cut there is the old one or
// the new one.
func writeFile(path string, b []byte) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
