package nic

import (
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// settings is the kernel's struct ethtool_cmd.
type settings struct {
	cmd, supported, advertising          uint32
	speed                                uint16
	duplex, port, phy, transceiver, auto uint8
	mdio                                 uint8
	maxtx, maxrx                         uint32
	speedHigh                            uint16
	_, _                                 uint8
	_                                    uint32
	_                                    [2]uint32
}

const (
	getSettings = 1
	setSettings = 2
	advertise   = 1 << 6 // that the speed is agreed on
)

// applySpeed fixes an interface's speed, or lets it agree on one. Interfaces
// that have none, such as virtual ones, take only Auto.
func applySpeed(name, want string) error {
	if want == "" {
		return nil
	}
	auto, speed, full, err := parseSpeed(want)
	if err != nil {
		return err
	}
	s := settings{cmd: getSettings}
	if err := ethtool(name, &s); err != nil {
		if auto {
			return nil
		}
		return fmt.Errorf("speed %s: %w", want, err)
	}
	if auto && (s.auto == 1 || s.supported&advertise == 0) || !auto && s.auto == 0 && int(s.speed) == speed && s.duplex == full {
		return nil
	}
	s.cmd = setSettings
	if auto {
		s.auto, s.advertising = 1, s.supported
	} else {
		s.auto, s.speed, s.speedHigh, s.duplex = 0, uint16(speed), 0, full
	}
	if err := ethtool(name, &s); err != nil {
		return fmt.Errorf("speed %s: %w", want, err)
	}
	return nil
}

func parseSpeed(s string) (auto bool, speed int, full uint8, err error) {
	if strings.EqualFold(s, "Auto") {
		return true, 0, 0, nil
	}
	number, isFull := strings.CutSuffix(s, "full")
	if isFull {
		full = 1
	} else {
		number, _ = strings.CutSuffix(s, "half")
	}
	if speed, err = strconv.Atoi(number); err != nil {
		return false, 0, 0, fmt.Errorf("speed %q is not known", s)
	}
	return false, speed, full, nil
}

func ethtool(name string, s *settings) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var req struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
	copy(req.name[:unix.IFNAMSIZ-1], name)
	req.data = unsafe.Pointer(s)
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req))); e != 0 {
		return e
	}
	return nil
}
