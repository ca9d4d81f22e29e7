package push

import (
	"errors"
	"fmt"
	"strings"
)

// A Device is what a phone says about how it is woken (RFC 8599 4.1).
type Device struct {
	Provider string // pn-provider: the service
	ID       string // pn-prid: the phone there
	Param    string // pn-param: the app there
}

// Why a phone is woken.
const (
	Call    = "call"
	Message = "message"
	Refresh = "refresh" // its registration is about to end
)

// What can be wrong with a device.
var (
	ErrProvider = errors.New("push service is not supported")
	ErrDevice   = errors.New("push parameters cannot be used")
	ErrGone     = errors.New("the push service knows the phone no more")
)

// maxID bounds a pn-prid; what the services give out is shorter.
const maxID = 1024

// check refuses what a service could only refuse, and all that could turn its
// address into another one.
func (p Provider) check(d Device) error {
	if d.ID == "" || len(d.ID) > maxID || len(d.Param) > maxID {
		return fmt.Errorf("%w: pn-prid is missing or too long", ErrDevice)
	}
	switch p.Type {
	case APNS:
		team, topic, ok := strings.Cut(d.Param, ".")
		switch {
		case !ok || team != p.Account:
			return fmt.Errorf("%w: pn-param is not of team %s", ErrDevice, p.Account)
		case topic != p.Application && topic != p.Application+voip:
			return fmt.Errorf("%w: pn-param is not of app %s", ErrDevice, p.Application)
		case !all(d.ID, isHex):
			return fmt.Errorf("%w: pn-prid is not a device token", ErrDevice)
		}
	case FCM:
		switch {
		case d.Param != p.Application:
			return fmt.Errorf("%w: pn-param is not project %s", ErrDevice, p.Application)
		case !all(d.ID, isToken):
			return fmt.Errorf("%w: pn-prid is not a registration token", ErrDevice)
		}
	case Gateway:
		if !all(d.ID, isVisible) || !all(d.Param, isVisible) {
			return fmt.Errorf("%w: characters that no one prints", ErrDevice)
		}
	}
	return nil
}

// voip is the end of the topic that Apple's calls have.
const voip = ".voip"

func all(s string, f func(byte) bool) bool {
	for i := range len(s) {
		if !f(s[i]) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isToken(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_-:", c) >= 0
}

func isVisible(c byte) bool { return c > ' ' && c < 0x7f }
