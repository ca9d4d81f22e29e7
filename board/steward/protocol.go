package steward

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/nic"
	"sallyport/board/slot"
	"sallyport/board/tpm"
)

// Each connection carries one request, a line of JSON, and its replies, a line
// each. Two acts go on: leases tells of each lease until the node hangs up, and
// install has the update follow the line and tells how far it is until the
// reply that is final.

// act is what can be asked for.
type act string

const (
	actNetwork    act = "network"    // make Plan real
	actInterfaces act = "interfaces" // what there is, what the firewall counted, what is not as planned
	actLeases     act = "leases"
	actClockSet   act = "clock-set"  // to At
	actClockSlew  act = "clock-slew" // by By
	actClockNote  act = "clock-note" // that it was At
	actFacts      act = "facts"
	actStatus     act = "status"
	actSlots      act = "slots"
	actInstall    act = "install"
	actName       act = "name" // of the machine: Name
	actReboot     act = "reboot"
	actReset      act = "reset"  // Level
	actSeal       act = "seal"   // Bytes: a key, by the TPM
	actUnseal     act = "unseal" // Bytes: what it became
)

// request is what a node asks.
type request struct {
	Do    act
	Plan  *nic.Plan     `json:",omitempty"`
	At    time.Time     `json:",omitzero"`
	By    time.Duration `json:",omitempty"`
	Name  string        `json:",omitempty"`
	Level int           `json:",omitempty"`
	Bytes []byte        `json:",omitempty"`
}

// What no request exceeds. A plan with every rule, route and zone of a full
// configuration has a tenth of that.
const (
	maxRequest = 1 << 20
	maxList    = 8192 // entries of a plan's lists
	maxSlew    = time.Second
)

// check refuses what makes no sense before anything is done.
func (r *request) check() error {
	switch r.Do {
	case actNetwork:
		return r.checkPlan()
	case actClockSet, actClockNote:
		if r.At.Before(time.Unix(0, 0)) || r.At.Year() > 9999 {
			return errors.New("that is no time of day")
		}
	case actClockSlew:
		if r.By.Abs() > maxSlew {
			return errors.New("a clock that is that wrong is set, not slewed")
		}
	case actName:
		return checkName(r.Name)
	case actReset:
		if r.Level < 1 || r.Level > 3 {
			return fmt.Errorf("there is no level %d", r.Level)
		}
	case actSeal, actUnseal:
		if len(r.Bytes) == 0 || len(r.Bytes) > tpm.MaxBlob {
			return errors.New("nothing, or too much, for the TPM")
		}
	case actInterfaces, actLeases, actFacts, actStatus, actSlots, actInstall, actReboot:
	default:
		return fmt.Errorf("%.40q is no act", r.Do)
	}
	return nil
}

func (r *request) checkPlan() error {
	p := r.Plan
	if p == nil {
		return errors.New("no plan")
	}
	if len(p.Links) > 2 || max(len(p.Routes), len(p.DNS), len(p.Firewall), len(p.Marks)) > maxList {
		return errors.New("the plan is too long")
	}
	for _, c := range p.Search { // it becomes a line of a file
		if c < ' ' || c > '~' {
			return errors.New("the search domain is no text of one line")
		}
	}
	for _, l := range p.Links {
		if l.LAN < 1 || l.LAN > 2 {
			return fmt.Errorf("there is no LAN %d", l.LAN)
		}
	}
	return nil
}

// checkName takes the names of RFC 952 and 1123.
func checkName(name string) error {
	if name == "" || len(name) > 63 {
		return errors.New("a host name has 1 to 63 characters")
	}
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
			return fmt.Errorf("%q does not belong in a host name", c)
		}
	}
	return nil
}

// parseRequest reads one line.
func parseRequest(line []byte) (request, error) {
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		return r, fmt.Errorf("no request: %w", err)
	}
	return r, r.check()
}

// reply is what comes back.
type reply struct {
	Error string `json:",omitempty"`
	Final bool   // nothing follows

	Interfaces []nic.Interface `json:",omitempty"`
	Counts     []nic.Count     `json:",omitempty"`
	Fault      string          `json:",omitempty"` // what is not as planned
	Lease      *nic.Lease      `json:",omitempty"`
	Facts      *board.Facts    `json:",omitempty"`
	Status     *boot.Status    `json:",omitempty"`
	Slots      []slot.Slot     `json:",omitempty"`
	Running    string          `json:",omitempty"`
	Version    string          `json:",omitempty"`
	Bytes      []byte          `json:",omitempty"` // never logged: it may be a key
	Done       int64           `json:",omitempty"` // of an update that is being installed
	All        int64           `json:",omitempty"`
}

func (r reply) err() error {
	if r.Error == "" {
		return nil
	}
	return errors.New(r.Error)
}

// readLine reads up to a line end, no more than most bytes.
func readLine(r *bufio.Reader, most int) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > most:
			return nil, errors.New("the line is too long")
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}
