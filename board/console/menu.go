package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// item is one line of the recovery menu.
type item struct {
	key, text string
	do        func(*Console) error
}

func items() []item {
	return []item{
		{"1", "what the machine says of itself", (*Console).showStatus},
		{"2", "the newest log lines", (*Console).showLog},
		{"3", "start the node again", (*Console).restartNode},
		{"4", "set the password of an administrator", (*Console).resetPassword},
		{"5", "add an administrator's SSH key", (*Console).addKey},
		{"6", "set the address of a network interface", (*Console).setAddress},
		{"7", "choose the slot of the next start", (*Console).chooseSlot},
		{"8", "factory reset", (*Console).factoryReset},
		{"b", "restore a backup", (*Console).restore},
		{"u", "install an update, also an older one", (*Console).install},
		{"i", "install this system on another disk", (*Console).clone},
		{"9", "format the data partition anew", (*Console).reformat},
		{"p", "demand a passphrase for this menu", (*Console).setPassphrase},
		{"reboot", "restart the box", (*Console).reboot},
		{"poweroff", "switch the box off", (*Console).poweroff},
	}
}

// errLeave ends the menu.
var errLeave = errors.New("leave the menu")

// menu is the way out of a box that does not serve.
func (c *Console) menu() error {
	if !c.admitted() {
		return nil
	}
	for {
		fmt.Fprintln(c.Terminal, "\nRecovery")
		for _, i := range items() {
			fmt.Fprintf(c.Terminal, "  %-9s %s\n", i.key, i.text)
		}
		fmt.Fprintf(c.Terminal, "  %-9s %s\n", "q", "leave")
		choice, err := c.Terminal.Line("recovery> ")
		if err != nil || strings.EqualFold(choice, "q") {
			return err
		}
		err = c.choose(choice)
		if errors.Is(err, errLeave) {
			return nil
		}
		if errors.Is(err, io.EOF) {
			return err
		}
		if err != nil {
			fmt.Fprintln(c.Terminal, "Not done:", err)
		}
	}
}

func (c *Console) choose(choice string) error {
	for _, i := range items() {
		if strings.EqualFold(i.key, choice) {
			return i.do(c)
		}
	}
	return nil
}

// admitted asks for the recovery passphrase, if one was set.
func (c *Console) admitted() bool {
	if !c.Rescue.PassphraseSet() {
		return true
	}
	for range 3 {
		p, err := c.Terminal.Secret("Recovery passphrase: ")
		if err != nil {
			return false
		}
		if c.Rescue.PassphraseFits(p) {
			return true
		}
		c.Wait(2 * time.Second)
	}
	return false
}

func (c *Console) showStatus() error {
	s, err := c.Machine.Status()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Terminal, "Version   %s\nBoard     %s\nSlot      %s (blessed: %t)\nRole      %s\nNode      %s\nData      %s (mounted: %t)\nBoot      %s\nWatchdog  %s\nUptime    %v\n",
		s.Version, s.Board, orNone(s.Slot), s.Blessed, orNone(s.Role), s.Node, orNone(s.Data), s.Mounted, orNone(s.Boot), orNone(s.Watchdog), s.Uptime.Round(time.Second))
	if s.Trouble != "" {
		fmt.Fprintln(c.Terminal, "Trouble  ", s.Trouble)
	}
	return nil
}

const logLines = 60

func (c *Console) showLog() error {
	text, err := c.Machine.Ask("log")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for _, l := range lines[max(0, len(lines)-logLines):] {
		fmt.Fprintln(c.Terminal, clean(l))
	}
	return nil
}

func (c *Console) restartNode() error {
	if _, err := c.Machine.Ask("node restart"); err != nil {
		return err
	}
	if err := c.starting(); err != nil {
		return err
	}
	return errLeave
}

// offline stops the node for as long as f works on its files, and starts it
// again if it ran.
func (c *Console) offline(f func(role string) error) error {
	s, err := c.Machine.Status()
	if err != nil {
		return err
	}
	if !s.Mounted || s.Role == "" {
		return errors.New("there is no node on this box yet")
	}
	idle := strings.HasPrefix(s.Node, "stopped")
	if _, err := c.Machine.Ask("node stop"); err != nil {
		return err
	}
	if err := c.stopped(); err != nil {
		return err
	}
	err = f(s.Role)
	if !idle && !s.Recovery {
		if _, e := c.Machine.Ask("node start"); err == nil {
			err = e
		}
	}
	if err == nil {
		fmt.Fprintln(c.Terminal, "Done.")
	}
	return err
}

func (c *Console) stopped() error {
	for end := c.Now().Add(time.Minute); c.Now().Before(end); c.Wait(100 * time.Millisecond) {
		s, err := c.Machine.Status()
		if err != nil {
			return err
		}
		if strings.HasPrefix(s.Node, "stopped") {
			return nil
		}
	}
	return errors.New("the node does not end")
}

func (c *Console) resetPassword() error {
	name, err := c.Terminal.Line("Administrator [admin]: ")
	if err != nil {
		return err
	}
	if name == "" {
		name = "admin"
	}
	password, err := c.twice("New password: ")
	if err != nil {
		return err
	}
	return c.offline(func(role string) error { return c.Rescue.ResetPassword(role, name, password) })
}

// twice reads a secret two times: nobody sees what was typed.
func (c *Console) twice(prompt string) (string, error) {
	first, err := c.Terminal.Secret(prompt)
	if err != nil {
		return "", err
	}
	second, err := c.Terminal.Secret("Once more: ")
	if err != nil {
		return "", err
	}
	if first != second {
		return "", errors.New("the two differ")
	}
	return first, nil
}

func (c *Console) addKey() error {
	key, err := c.Terminal.Line("Public key (one line, as in authorized_keys): ")
	if err != nil {
		return err
	}
	return c.offline(func(role string) error { return c.Rescue.AddKey(role, key) })
}

func (c *Console) setAddress() error {
	var a [4]string
	for i, q := range []string{"Interface (1 or 2): ", "IPv4 address: ", "Subnet mask [255.255.255.0]: ", "Gateway (empty: as it is): "} {
		var err error
		if a[i], err = c.Terminal.Line(q); err != nil {
			return err
		}
	}
	return c.offline(func(role string) error { return c.Rescue.SetAddress(role, a[0], a[1], a[2], a[3]) })
}

func (c *Console) chooseSlot() error {
	list, err := c.Rescue.Slots()
	if err != nil {
		return err
	}
	fmt.Fprint(c.Terminal, list)
	name, err := c.Terminal.Line("Slot of the next start (empty: as it is): ")
	if err != nil || name == "" {
		return err
	}
	if lost := c.Rescue.Drops(); len(lost) > 0 {
		fmt.Fprintln(c.Terminal, "A version from before the configuration's last change of form goes on without these commits:")
		for _, l := range lost {
			fmt.Fprintln(c.Terminal, " ", clean(l))
		}
		if !c.sure(name) {
			return nil
		}
	}
	return c.Rescue.ChooseSlot(name)
}

func (c *Console) factoryReset() error {
	fmt.Fprintln(c.Terminal, "Level 1: configuration. Level 2: and certificates, keys, files, logs. Level 3: and the role.")
	level, err := c.Terminal.Line("Level (1, 2, 3): ")
	if err != nil {
		return err
	}
	n := strings.Index("123", level) + 1
	if len(level) != 1 || n == 0 {
		return errors.New("no such level")
	}
	if !c.sure("reset") {
		return nil
	}
	err = c.offline(func(string) error { return c.Rescue.FactoryReset(n) })
	if err == nil && n == 3 {
		return c.reboot()
	}
	return err
}

// sure has a word typed: what follows cannot be taken back.
func (c *Console) sure(word string) bool {
	answer, err := c.Terminal.Line("This cannot be taken back. Type " + word + " to go on: ")
	return err == nil && answer == word
}

func (c *Console) reformat() error {
	fmt.Fprintln(c.Terminal, "Everything on the data partition is lost: configuration, certificates, keys, logs.")
	if !c.sure("format") {
		return nil
	}
	if _, err := c.Machine.Ask("node stop"); err != nil {
		return err
	}
	if err := c.stopped(); err != nil {
		return err
	}
	if _, err := c.Machine.Ask("format"); err != nil {
		return err
	}
	fmt.Fprintln(c.Terminal, "Done.")
	return nil
}

func (c *Console) setPassphrase() error {
	p, err := c.twice("New passphrase (empty: none is demanded): ")
	if err != nil {
		return err
	}
	return c.Rescue.SetPassphrase(p)
}

func (c *Console) reboot() error {
	_, err := c.Machine.Ask("reboot")
	return errors.Join(err, errLeave)
}

func (c *Console) poweroff() error {
	_, err := c.Machine.Ask("poweroff")
	return errors.Join(err, errLeave)
}
