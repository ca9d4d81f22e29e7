package console

import (
	"fmt"
	"io"
	"strings"
	"time"

	"sallyport/board/boot"
)

// Asker is a terminal as the dialogs need it.
type Asker interface {
	io.Writer
	Line(prompt string) (string, error)
	Secret(prompt string) (string, error)
}

// Machine is the first process, as a console asks it.
type Machine interface {
	Status() (boot.Status, error)
	Ask(line string) (string, error)
}

// Rescue is what helps a node that does not come up. The functions work on the
// node's files, so the node is stopped while they run.
type Rescue interface {
	ResetPassword(role, name, password string) error
	AddKey(role, key string) error
	SetAddress(role, lan, address, mask, gateway string) error
	FactoryReset(level int) error
	Slots() (string, error)
	ChooseSlot(name string) error
	// Drops lists the commits that an older slot may have to go without.
	Drops() []string
	// Files lists what lies in the sftp folder and on the boot partition that
	// could be a backup or an update.
	Files() ([]string, error)
	// Restore makes the node what a backup says once agreed was shown the
	// difference and said yes. It returns the role of that node; role is this
	// box's, empty if it has none yet.
	Restore(role, file, passphrase string, agreed func(difference string) bool) (string, error)
	// Install puts an update into the slot that does not run. An older version
	// is taken only if down is set; else the error is ErrOlder.
	Install(file string, down bool, progress func(done, all int64)) (version string, err error)
	// Disks lists the disks that the system could be put on, a line each, its
	// name first.
	Disks() ([]string, error)
	// Clone puts the system on another disk, which becomes a new box.
	Clone(disk string, progress func(what string, done, all int64)) error
	PassphraseSet() bool
	PassphraseFits(passphrase string) bool
	SetPassphrase(passphrase string) error
}

// Console is one session at a terminal.
type Console struct {
	Terminal  Asker
	Machine   Machine
	Rescue    Rescue
	Shell     func() error // the node's shell, until it is left
	Addresses func() []string
	Now       func() time.Time
	Wait      func(time.Duration)
}

// Run is one session: a banner, a key, and what the machine's state asks for.
func (c *Console) Run() error {
	s, err := c.Machine.Status()
	if err != nil {
		return err
	}
	c.banner(s)
	line, err := c.Terminal.Line("Press Enter" + c.offer(s) + " ")
	if err != nil {
		return err
	}
	if s, err = c.Machine.Status(); err != nil {
		return err
	}
	switch {
	case strings.EqualFold(line, "r"):
		return c.menu()
	case s.Ready:
		return c.Shell()
	case s.Role == "" && s.Mounted && !s.Recovery:
		return c.newBox()
	case s.Node == "starting":
		return c.starting()
	}
	return c.menu()
}

func (c *Console) offer(s boot.Status) string {
	switch {
	case s.Ready:
		return " for the shell, r and Enter for recovery."
	case s.Role == "" && s.Mounted && !s.Recovery:
		return " to set up this box."
	case s.Node == "starting":
		return " for the shell when it is ready, r and Enter for recovery."
	}
	return " for recovery."
}

func (c *Console) banner(s boot.Status) {
	kind := s.Role
	if kind == "" {
		kind = "new box"
	}
	fmt.Fprintf(c.Terminal, "\n\nsallyport %s, %s, board %s, slot %s\n", s.Version, kind, s.Board, orNone(s.Slot))
	if s.Development {
		fmt.Fprintln(c.Terminal, "DEVELOPMENT IMAGE: its update key belongs to whoever built it.")
	}
	if a := c.Addresses(); len(a) > 0 {
		fmt.Fprintln(c.Terminal, "Addresses:", strings.Join(a, " "))
	}
	fmt.Fprintln(c.Terminal, "Node:", s.Node)
	if s.Trouble != "" {
		fmt.Fprintln(c.Terminal, "Trouble:", s.Trouble)
	}
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// starting waits until the node is up or has failed.
func (c *Console) starting() error {
	fmt.Fprintln(c.Terminal, "The node starts; please wait.")
	for end := c.Now().Add(2 * time.Minute); c.Now().Before(end); c.Wait(500 * time.Millisecond) {
		s, err := c.Machine.Status()
		if err != nil {
			return err
		}
		if s.Ready {
			return c.Shell()
		}
		if s.Node != "starting" {
			fmt.Fprintln(c.Terminal, "Node:", s.Node)
			return nil
		}
	}
	fmt.Fprintln(c.Terminal, "It is not ready yet.")
	return nil
}

// newBox asks what a box without a role is.
func (c *Console) newBox() error {
	fmt.Fprintln(c.Terminal, "\nThis box is new. It is one of two doors:")
	fmt.Fprintln(c.Terminal, "  edge   stands in the DMZ and faces the outside")
	fmt.Fprintln(c.Terminal, "  core   stands inside and opens every connection")
	for range 5 {
		role, err := c.Terminal.Line("Role (edge or core, r for recovery)? ")
		if err != nil {
			return err
		}
		role = strings.ToLower(role)
		if role == "r" {
			return c.menu()
		}
		if role != "edge" && role != "core" {
			continue
		}
		if _, err := c.Machine.Ask("role " + role); err != nil {
			fmt.Fprintln(c.Terminal, "Not done:", err)
			continue
		}
		return c.starting()
	}
	return nil
}
