package boot

import (
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// end begins the orderly stop: first the node, which says goodbye to its
// peers, then everything else.
func (m *machine) end(how string, now time.Time) {
	if m.ending != "" {
		return
	}
	m.hush(false)
	m.say("%s: the node stops", how)
	m.ending, m.endBy = how, now.Add(stopWithin+5*time.Second)
	m.stopNode(how, now)
}

// halt stops all that is left and lets go of the disk. It does not return.
func (m *machine) halt() {
	m.say("%s: all else stops", m.ending)
	syscall.Kill(-1, syscall.SIGTERM)
	time.Sleep(500 * time.Millisecond)
	syscall.Kill(-1, syscall.SIGKILL)
	time.Sleep(100 * time.Millisecond)
	if m.mounted && !m.blessed() { // a release from before the node had a user of its own may follow
		give(NodeDir, 0)
	}
	if m.reset != 0 && m.mounted {
		m.step("factory reset", func() (string, error) { return fmt.Sprintf("level %d", m.reset), Reset(m.reset) })
	}
	syscall.Sync()
	if m.mounted {
		if err := syscall.Unmount(DataDir, 0); err != nil {
			m.say("data: %v", err)
			syscall.Mount("", DataDir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "")
		}
	}
	syscall.Sync()
	m.say("%s", m.ending)
	if m.ending == "poweroff" {
		m.dog.Close()
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_POWER_OFF)
		syscall.Reboot(syscall.LINUX_REBOOT_CMD_HALT)
	}
	m.restart()
	select {}
}

// restart starts the machine anew. A Raspberry Pi whose other slot is on trial
// is asked to try that, once: if the try fails the next start is the usual one.
func (m *machine) restart() {
	if !m.slotless() && m.cmdline.Pi {
		try, err := Slots(m.boot.Device, m.cmdline.Slot, m.release).Try()
		if err != nil {
			m.say("trial: %v", err)
		}
		if try {
			m.say("the other slot is tried")
			syscall.Sync()
			restartWith("0 tryboot")
		}
	}
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}

// restartWith hands the firmware a word.
func restartWith(word string) {
	b, err := unix.BytePtrFromString(word)
	if err == nil {
		unix.Syscall6(unix.SYS_REBOOT, unix.LINUX_REBOOT_MAGIC1, unix.LINUX_REBOOT_MAGIC2, unix.LINUX_REBOOT_CMD_RESTART2, uintptr(unsafe.Pointer(b)), 0, 0)
	}
}

// countdown is how long a machine whose first process broke shows why.
const countdown = 10

// panicked is the way out of a fault in the first process itself: show it, keep
// the disk whole, and start anew.
func (m *machine) panicked() {
	fault := recover()
	if fault == nil {
		return
	}
	fmt.Fprintf(os.Stderr, "\nsallyport: the first process broke: %v\n%s\n", fault, debug.Stack())
	syscall.Kill(-1, syscall.SIGTERM)
	syscall.Sync()
	for i := countdown; i > 0; i-- {
		fmt.Fprintf(os.Stderr, "restart in %d s\n", i)
		time.Sleep(time.Second)
	}
	syscall.Sync()
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}
