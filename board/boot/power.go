package boot

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// watchPowerButton tells when the power button is pressed, on machines that
// have one. It looks for new ones for a while: their drivers may come late.
func watchPowerButton(pressed chan<- struct{}) {
	known := map[string]bool{}
	for range 12 {
		names, _ := filepath.Glob("/sys/class/input/event*")
		for _, n := range names {
			dev := filepath.Base(n)
			if known[dev] || !isPowerButton(n) {
				continue
			}
			known[dev] = true
			go readKeys("/dev/input/"+dev, pressed)
		}
		time.Sleep(5 * time.Second)
	}
}

func isPowerButton(dir string) bool {
	b, err := os.ReadFile(filepath.Join(dir, "device/name"))
	return err == nil && strings.Contains(strings.ToLower(string(b)), "power")
}

// readKeys reads struct input_event: 16 bytes of time, then type, code, value.
func readKeys(path string, pressed chan<- struct{}) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	var b [24]byte
	for {
		if n, err := f.Read(b[:]); err != nil || n < len(b) {
			return
		}
		const keyEvent, keyPower, down = 1, 116, 1
		if binary.NativeEndian.Uint16(b[16:]) == keyEvent && binary.NativeEndian.Uint16(b[18:]) == keyPower &&
			binary.NativeEndian.Uint32(b[20:]) == down {
			select {
			case pressed <- struct{}{}:
			default:
			}
		}
	}
}
