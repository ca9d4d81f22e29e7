package boot

import (
	"syscall"
	"time"
)

// keepSteward has the node's steward run for ever.
func (m *machine) keepSteward() {
	for {
		_, done, err := m.spawn([]string{"sallyport", "steward"}, m.nodeLog, &syscall.SysProcAttr{Setsid: true})
		if err != nil {
			m.say("steward: %v", err)
		} else {
			m.say("steward: %s", describe(<-done))
		}
		time.Sleep(time.Second)
	}
}
