package boot

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// answer does what a console or the node asks for.
func (m *machine) answer(words []string, now time.Time) (string, error) {
	arg := strings.Join(words[1:], " ")
	switch words[0] {
	case "status":
		b, err := json.Marshal(m.status())
		return string(b), err
	case "log":
		return m.log.Tail(16<<10) + m.nodeLog.Tail(64<<10), nil
	case "role":
		if err := m.setRole(arg); err != nil {
			return "", err
		}
		return "", m.wantNode(now)
	case "node":
		return "", m.control(arg, now)
	case "format":
		return "", m.reformat()
	case "hostname":
		return "", syscall.Sethostname([]byte(arg))
	case "reset":
		level, err := strconv.Atoi(arg)
		if err != nil || level < 1 || level > 3 {
			return "", fmt.Errorf("there is no level %q", arg)
		}
		m.reset = level
		m.end("reboot", now)
		return "", nil
	case "reboot", "poweroff":
		m.end(words[0], now)
		return "", nil
	}
	return "", fmt.Errorf("%q is not known", words[0])
}

func (m *machine) control(verb string, now time.Time) error {
	switch verb {
	case "start":
		return m.wantNode(now)
	case "stop":
		m.stopNode("by request", now)
		return nil
	case "restart":
		if m.node.running() {
			m.node.want = true
			m.node.next = now
			m.endNode(syscall.SIGTERM, now)
			return nil
		}
		return m.wantNode(now)
	}
	return fmt.Errorf("node %q is not known", verb)
}

// wantNode starts the node if it can run.
func (m *machine) wantNode(now time.Time) error {
	switch {
	case m.trouble != "":
		return errors.New(m.trouble)
	case m.cmdline.Recovery():
		return errors.New(m.idleReason() + ": restart the box for that")
	case m.role == "":
		return errors.New("no role was chosen yet")
	}
	m.node.want, m.node.next, m.node.failures, m.node.backoff = true, now, 0, 0
	return nil
}

func (m *machine) status() Status {
	s := Status{
		Version: m.release.Version, Development: m.release.Development, Board: m.boardName(),
		Slot: m.cmdline.Slot, Recovery: m.cmdline.Recovery(), Role: m.role, Node: m.node.state(),
		Ready: m.node.ready, Blessed: m.blessed(), Trouble: m.trouble,
		Data: m.data.Device, Boot: m.boot.Device, Mounted: m.mounted, Uptime: uptime(),
	}
	if m.dog != nil {
		s.Watchdog = m.dog.Identity
	}
	return s
}
