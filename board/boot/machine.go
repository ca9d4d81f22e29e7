package boot

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"sallyport/board"
	"sallyport/board/disk"
	"sallyport/board/module"
	"sallyport/board/watchdog"
)

// machine is all that the first process knows. Only its loop touches it.
type machine struct {
	*phases
	reaper  *reaper
	nodeLog *ring
	release board.Release
	cmdline board.Cmdline
	loader  *module.Loader
	dog     *watchdog.Device

	boot, data disk.Partition
	mounted    bool
	trouble    string // why the node cannot run
	role       string
	node       node
	isBlessed  bool
	ending     string // "reboot" or "poweroff", once asked for
	endBy      time.Time
	reset      int // what is forgotten on the way out; 0: nothing

	requests chan request
	said     chan string
	signals  chan os.Signal
	power    chan struct{}
}

// Main is the first process. It does not return.
func Main() {
	m := &machine{
		phases: &phases{out: os.Stderr, log: &ring{max: 64 << 10}}, nodeLog: &ring{max: 256 << 10},
		reaper: newReaper(), requests: make(chan request), said: make(chan string, 16),
		signals: make(chan os.Signal, 4), power: make(chan struct{}, 1),
	}
	defer m.panicked()
	m.prepare()
	m.findDisk()
	m.begin()
	m.loop()
}

// prepare makes a system of what the kernel left.
func (m *machine) prepare() {
	mountErr := mountAll(mounts())
	openConsole()
	m.release, _ = board.ReadRelease(board.ReleaseFile)
	text, _ := os.ReadFile("/proc/cmdline")
	m.cmdline = board.ParseCmdline(string(text))
	m.say("%s starts, board %s, slot %s", m.releaseName(), m.boardName(), m.cmdline.Slot)
	m.step("mounts", func() (string, error) { return "", mountErr })
	settle()
	os.MkdirAll(RunDir, 0o711)
	go m.reaper.run()
	m.step("drivers", m.drivers)
	mountAll(lateMounts())
	m.step("loopback", func() (string, error) { return "", loopbackUp() })
	m.step("watchdog", m.openWatchdog)
}

func (m *machine) releaseName() string {
	name := "sallyport " + m.release.Version
	if m.release.Development {
		name += " (development)"
	}
	return name
}

func (m *machine) boardName() string {
	if m.cmdline.Board != "" {
		return m.cmdline.Board
	}
	return m.release.Board
}

// watchdogTimeout is how long the machine may hang.
const watchdogTimeout = 60 * time.Second

func (m *machine) openWatchdog() (string, error) {
	d, err := watchdog.Open("/sys", "/dev", watchdogTimeout)
	m.dog = d
	if d == nil {
		return "none on this machine", err
	}
	return d.Identity + ", " + d.Timeout.String(), err
}

// begin opens the doors of the first process and starts what runs for ever.
func (m *machine) begin() {
	signal.Notify(m.signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGUSR1)
	syscall.Reboot(syscall.LINUX_REBOOT_CMD_CAD_OFF) // Ctrl-Alt-Del is SIGINT for us
	m.step("sockets", func() (string, error) {
		if err := serveNotify(NotifySocket, board.NodeUser, m.said); err != nil {
			return "", err
		}
		return "", serveControl(ControlSocket, m.requests)
	})
	if !m.cmdline.Recovery() {
		go m.keepSteward()
	}
	m.startConsoles()
	go watchPowerButton(m.power)
	m.node.want = m.trouble == "" && m.role != "" && !m.cmdline.Recovery()
	if !m.node.want {
		m.node.why = m.idleReason()
	}
}

func (m *machine) idleReason() string {
	switch {
	case m.cmdline.Recovery():
		return "the recovery entry starts no node"
	case m.trouble != "":
		return m.trouble
	}
	return "no role was chosen yet"
}

// loop is the first process's life. Each turn feeds the watchdog: if the loop
// hangs the machine starts anew.
func (m *machine) loop() {
	tick := time.NewTicker(time.Second)
	m.watchNode(time.Now())
	for {
		select {
		case st := <-m.node.done:
			m.nodeEnded(st, time.Now())
		case line := <-m.said:
			m.heard(line, time.Now())
		case r := <-m.requests:
			text, err := m.answer(r.words, time.Now())
			r.reply <- answer{text, err}
		case s := <-m.signals:
			m.end(map[os.Signal]string{syscall.SIGINT: "reboot", syscall.SIGTERM: "poweroff", syscall.SIGUSR1: "poweroff"}[s], time.Now())
		case <-m.power:
			m.say("power button")
			m.end("poweroff", time.Now())
		case <-tick.C:
		}
		m.turn(time.Now())
	}
}

func (m *machine) turn(now time.Time) {
	m.dog.Feed()
	m.watchNode(now)
	if m.node.failures >= failuresMax && !m.blessed() && m.ending == "" {
		m.say("slot %s failed its trial: back to the boot loader", m.cmdline.Slot)
		m.end("reboot", now)
	}
	if m.ending != "" && (!m.node.running() || now.After(m.endBy)) {
		m.halt()
	}
}
