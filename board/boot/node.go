package boot

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"sallyport/board"
)

// How patient the first process is with the node.
const (
	readyWithin = 90 * time.Second // from its start until it says that it is healthy
	aliveWithin = 30 * time.Second // between two signs of life
	stopWithin  = 20 * time.Second // from SIGTERM to SIGKILL
	failuresMax = 3                // of a slot that was never good: then the boot loader decides
	backoffMin  = time.Second
	backoffMax  = 30 * time.Second
	noRestart   = 125 // exit code: starting it again would not help
)

// node is the child that does the appliance's work, as the loop sees it.
type node struct {
	want    bool // it should run
	why     string
	pid     int
	done    <-chan syscall.WaitStatus
	started time.Time
	alive   time.Time
	ready   bool      // its shell answers
	healthy bool      // and it does all that it is configured to
	killed  time.Time // when SIGTERM was sent; zero = not
	hard    bool      // SIGKILL was sent

	failures int // since it was last ready for long
	next     time.Time
	backoff  time.Duration
}

func (n *node) running() bool { return n.pid != 0 }

func (n *node) state() string {
	switch {
	case n.running() && n.killed != (time.Time{}):
		return "stopping"
	case n.ready:
		return "ready"
	case n.running():
		return "starting"
	case n.want:
		return "waiting to start again: " + n.why
	}
	return "stopped: " + n.why
}

// startNode runs the node in a process group of its own, its output in the log.
func (m *machine) startNode(now time.Time) {
	n := &m.node
	m.nodeLog.Write([]byte(fmt.Sprintf("--- node starts, role %s\n", m.role)))
	err := give(NodeDir, board.NodeUser)
	var pid int
	var done <-chan syscall.WaitStatus
	if err == nil {
		pid, done, err = m.spawn([]string{"sallyport", "node", "-role", m.role}, m.nodeLog, nodeRights())
	}
	if err != nil {
		n.why, n.next = err.Error(), now.Add(backoffMax)
		m.say("node: %v", err)
		return
	}
	n.pid, n.done, n.started, n.alive = pid, done, now, now
	n.ready, n.healthy, n.killed, n.hard = false, false, time.Time{}, false
	m.say("node: started as process %d, role %s", pid, m.role)
}

// nodeRights has the node run as a user of its own that may open low ports and
// nothing else that a user may not.
func nodeRights() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{
		Setsid:      true,
		Credential:  &syscall.Credential{Uid: board.NodeUser, Gid: board.NodeUser},
		AmbientCaps: []uintptr{unix.CAP_NET_BIND_SERVICE},
	}
}

// spawn starts this binary again, its output copied to w line by line.
func (m *machine) spawn(args []string, w *ring, rights *syscall.SysProcAttr) (int, <-chan syscall.WaitStatus, error) {
	r, out, err := os.Pipe()
	if err != nil {
		return 0, nil, err
	}
	defer out.Close()
	null, err := os.Open(os.DevNull)
	if err != nil {
		r.Close()
		return 0, nil, err
	}
	defer null.Close()
	pid, done, err := m.reaper.start("/proc/self/exe", args, &syscall.ProcAttr{
		Dir: "/", Env: m.environment(),
		Files: []uintptr{null.Fd(), out.Fd(), out.Fd()},
		Sys:   rights,
	})
	if err != nil {
		r.Close()
		return 0, nil, err
	}
	go drain(r, w) // ends when the last writer has gone
	return pid, done, nil
}

func drain(r *os.File, w *ring) {
	defer r.Close()
	buf := make([]byte, 8192)
	for {
		n, err := r.Read(buf)
		w.Write(buf[:n])
		if err != nil {
			return
		}
	}
}

func (m *machine) environment() []string {
	return []string{"NOTIFY_SOCKET=" + NotifySocket, "PATH=/sbin", "HOME=/", "TERM=linux", "GOTRACEBACK=all"}
}

// nodeEnded decides what follows the end of the node.
func (m *machine) nodeEnded(st syscall.WaitStatus, now time.Time) {
	n := &m.node
	ran, asked := now.Sub(n.started), n.killed != (time.Time{}) && !n.want
	n.why = describe(st)
	n.pid, n.done, n.ready, n.healthy = 0, nil, false, false
	if asked {
		n.why = "stopped by request"
		return
	}
	m.say("node: %s after %v", n.why, ran.Round(time.Second))
	if st.Exited() && st.ExitStatus() == noRestart {
		n.want = false
		return
	}
	if st.Exited() && st.ExitStatus() == 0 {
		n.next, n.backoff = now, backoffMin
		return
	}
	n.failed(now, ran)
}

// failed puts the next start off, the longer the more often it failed.
func (n *node) failed(now time.Time, ran time.Duration) {
	if ran > 10*time.Minute {
		n.failures, n.backoff = 0, 0
	}
	n.failures++
	n.backoff = min(max(backoffMin, 2*n.backoff), backoffMax)
	n.next = now.Add(n.backoff)
}

func describe(st syscall.WaitStatus) string {
	if st.Signaled() {
		return "killed by " + st.Signal().String()
	}
	return fmt.Sprintf("ended with code %d", st.ExitStatus())
}

// stopNode asks the node to end; tick insists.
func (m *machine) stopNode(why string, now time.Time) {
	n := &m.node
	n.want, n.why = false, why
	m.endNode(syscall.SIGTERM, now)
}

func (m *machine) endNode(sig syscall.Signal, now time.Time) {
	if n := &m.node; n.running() && n.killed.IsZero() {
		n.killed = now
		syscall.Kill(-n.pid, sig)
	}
}

// watchNode is done each second: it insists on an end that was asked for, and
// ends a node that hangs with a signal that makes it tell where.
func (m *machine) watchNode(now time.Time) {
	n := &m.node
	switch {
	case !n.running():
		if n.want && !now.Before(n.next) {
			m.startNode(now)
		}
	case !n.killed.IsZero():
		if now.Sub(n.killed) > stopWithin && !n.hard {
			n.hard = true
			syscall.Kill(-n.pid, syscall.SIGKILL)
		}
	case !n.healthy && now.Sub(n.started) > readyWithin && !m.blessed():
		m.say("node: not healthy after %v", readyWithin)
		n.failures = failuresMax
	case now.Sub(n.alive) > m.patience():
		m.say("node: no sign of life for %v", m.patience())
		m.endNode(syscall.SIGQUIT, now)
	}
}

// patience is longer while the node starts: it may have a store to migrate.
func (m *machine) patience() time.Duration {
	if m.node.ready {
		return aliveWithin
	}
	return 2 * readyWithin
}

// heard takes one line of the node's.
func (m *machine) heard(line string, now time.Time) {
	n := &m.node
	switch line {
	case "WATCHDOG=1":
		n.alive = now
	case "READY=1":
		n.alive = now
		if !n.ready && n.running() {
			n.ready = true
			m.say("node: ready after %v", now.Sub(n.started).Round(10*time.Millisecond))
		}
	case "X_HEALTHY=1":
		if !n.healthy && n.running() {
			n.healthy = true
			m.say("node: healthy after %v", now.Sub(n.started).Round(10*time.Millisecond))
			m.bless()
		}
	}
}
