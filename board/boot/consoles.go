package boot

import (
	"os"
	"strings"
	"syscall"
	"time"
)

// startConsoles runs a console on each terminal that the kernel speaks on, for
// ever.
func (m *machine) startConsoles() {
	b, _ := os.ReadFile("/sys/class/tty/console/active")
	names := terminals(strings.Fields(string(b)))
	m.say("consoles: %s", strings.Join(names, " "))
	m.hush(true)
	for _, name := range names {
		go m.keepConsole(name)
	}
}

// terminals are the kernel's consoles as devices one can sit at: its tty0 is
// whichever screen is shown, ours is the first.
func terminals(active []string) []string {
	var out []string
	seen := map[string]bool{}
	for _, name := range active {
		if name == "tty0" || name == "tty" {
			name = "tty1"
		}
		if name == "ttynull" || strings.ContainsAny(name, "/.") || seen[name] {
			continue
		}
		seen[name] = true
		out = append(out, name)
	}
	return out
}

// keepConsole starts a console again whenever it ends.
func (m *machine) keepConsole(name string) {
	for {
		begin := time.Now()
		m.runConsole(name)
		if time.Since(begin) < 2*time.Second {
			time.Sleep(2 * time.Second)
		}
	}
}

func (m *machine) runConsole(name string) {
	tty, err := syscall.Open("/dev/"+name, syscall.O_RDWR|syscall.O_NOCTTY|syscall.O_CLOEXEC, 0)
	if err != nil {
		m.say("console %s: %v", name, err)
		time.Sleep(time.Minute)
		return
	}
	kind := "vt220"
	if strings.HasPrefix(name, "tty") && len(name) == 4 {
		kind = "linux"
	}
	_, done, err := m.reaper.start("/proc/self/exe", []string{"sallyport", "console", "-tty", name}, &syscall.ProcAttr{
		Dir: "/", Env: []string{"TERM=" + kind, "PATH=/sbin", "HOME=/"},
		Files: []uintptr{uintptr(tty), uintptr(tty), uintptr(tty)},
		Sys:   &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	syscall.Close(tty)
	if err != nil {
		m.say("console %s: %v", name, err)
		return
	}
	<-done
}
