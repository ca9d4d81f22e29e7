package console

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"sallyport/board/boot"
)

// script is a person who types these lines.
type script struct {
	strings.Builder
	lines []string
}

func (s *script) Line(prompt string) (string, error) {
	s.WriteString(prompt)
	if len(s.lines) == 0 {
		return "", io.EOF
	}
	line := s.lines[0]
	s.lines = s.lines[1:]
	s.WriteString("[" + line + "]\n")
	return line, nil
}

func (s *script) Secret(prompt string) (string, error) { return s.Line(prompt) }

// box is a machine as its first process tells it, and a rescue that notes what
// is asked of it.
type box struct {
	status     boot.Status
	asked      []string
	passphrase string
	drops      []string
}

func (b *box) Status() (boot.Status, error) { return b.status, nil }

func (b *box) Ask(line string) (string, error) {
	b.asked = append(b.asked, line)
	switch {
	case line == "node stop":
		b.status.Node, b.status.Ready = "stopped: by request", false
	case line == "node start" || line == "node restart" || strings.HasPrefix(line, "role "):
		b.status.Node, b.status.Ready = "ready", true
	case line == "log":
		return "one\x1b[2Jtwo\n", nil
	}
	return "", nil
}

func (b *box) note(what string, err error) error { b.asked = append(b.asked, what); return err }

func (b *box) ResetPassword(role, name, p string) error {
	return b.note("password "+role+" "+name+" "+p, nil)
}
func (b *box) AddKey(role, key string) error           { return b.note("key "+key, nil) }
func (b *box) SetAddress(_, lan, a, m, g string) error { return b.note("address "+lan+" "+a, nil) }
func (b *box) FactoryReset(level int) error            { return b.note(fmt.Sprint("reset ", level), nil) }
func (b *box) Slots() (string, error)                  { return "a  good\n", nil }
func (b *box) ChooseSlot(name string) error            { return b.note("slot "+name, errors.New("empty")) }
func (b *box) Files() ([]string, error)                { return []string{"b.age", "boot:up.update"}, nil }
func (b *box) Disks() ([]string, error)                { return []string{"sdb  30.0 GB  Flash"}, nil }
func (b *box) Drops() []string                         { return b.drops }
func (b *box) PassphraseSet() bool                     { return b.passphrase != "" }
func (b *box) PassphraseFits(p string) bool            { return p == b.passphrase }
func (b *box) SetPassphrase(p string) error            { b.passphrase = p; return nil }

func (b *box) Restore(role, file, p string, agreed func(string) bool) (string, error) {
	if p != "phrase" {
		return "", errors.New("the passphrase does not open this backup")
	}
	if !agreed("+ SystemUnit Name: gate\x1b[2J\n") {
		return "", nil
	}
	return "edge", b.note("restore "+role+" "+file, nil)
}

func (b *box) Install(file string, down bool, progress func(done, all int64)) (string, error) {
	if !down && file == "old.update" {
		return "", fmt.Errorf("%w: version 1 is not newer", ErrOlder)
	}
	progress(1, 1)
	return "v1", b.note(fmt.Sprintf("install %s %t", file, down), nil)
}

func (b *box) Clone(disk string, progress func(string, int64, int64)) error {
	progress("write", 5e6, 10e6)
	progress("verify", 10e6, 10e6)
	return b.note("clone "+disk, nil)
}

func session(t *testing.T, b *box, lines ...string) (screen, asked string) {
	t.Helper()
	s := &script{lines: lines}
	now := time.Unix(0, 0)
	c := &Console{
		Terminal: s, Machine: b, Rescue: b, Addresses: func() []string { return nil },
		Shell: func() error { b.asked = append(b.asked, "shell"); return nil },
		Now:   func() time.Time { return now }, Wait: func(d time.Duration) { now = now.Add(d) },
	}
	if err := c.Run(); err != nil && !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	return s.String(), strings.Join(b.asked, ", ")
}

func ready() *box {
	return &box{status: boot.Status{Role: "edge", Node: "ready", Ready: true, Mounted: true}}
}

func TestSessions(t *testing.T) {
	fresh := &box{status: boot.Status{Mounted: true, Node: "stopped: no role was chosen yet"}}
	grown := ready()
	grown.drops = []string{"revision 7"}
	bare := &box{status: fresh.status}
	broken := &box{status: boot.Status{Trouble: "damaged", Node: "stopped: damaged", Data: "/dev/vda2"}}
	locked := ready()
	locked.passphrase = "secret"
	for name, c := range map[string]struct {
		box   *box
		lines []string
		asked string
		shows string
	}{
		"the shell":        {ready(), []string{""}, "shell", "for the shell"},
		"a new box":        {fresh, []string{"", "both", "core"}, "role core, shell", "One of two doors"},
		"a password":       {ready(), []string{"r", "4", "", "pw", "pw", "q"}, "node stop, password edge admin pw, node start", "Done."},
		"two differ":       {ready(), []string{"r", "4", "", "pw", "px", "q"}, "", "the two differ"},
		"factory reset":    {ready(), []string{"r", "8", "2", "reset", "q"}, "node stop, reset 2, node start", "cannot be taken back"},
		"reset, not meant": {ready(), []string{"r", "8", "2", "yes", "q"}, "", "cannot be taken back"},
		"format":           {broken, []string{"", "9", "format", "q"}, "node stop, format", "Everything on the data partition"},
		"format, not":      {broken, []string{"", "9", "y", "q"}, "", "Trouble: damaged"},
		"a slot":           {ready(), []string{"r", "7", "b", "q"}, "slot b", "Not done: empty"},
		"a slot, commits":  {grown, []string{"r", "7", "b", "no", "7", "b", "b", "q"}, "slot b", "revision 7"},
		"locked":           {locked, []string{"r", "guess", "guess", "guess", "4"}, "", "Recovery passphrase"},
		"unlocked":         {locked, []string{"r", "secret", "2", "q"}, "log", "one[2Jtwo"},
		"a backup":         {ready(), []string{"r", "b", "b.age", "phrase", "restore", "q"}, "node stop, restore edge b.age, node start", "+ SystemUnit Name: gate[2J\n"},
		"backup, not":      {ready(), []string{"r", "b", "b.age", "phrase", "no", "q"}, "node stop, node start", "cannot be taken back"},
		"wrong passphrase": {ready(), []string{"r", "b", "b.age", "guess", "q"}, "node stop, node start", "does not open"},
		"backup, new box":  {bare, []string{"", "r", "b", "boot:b.age", "phrase", "restore", "q"}, "restore  boot:b.age, role edge", "recovery>"},
		"an update":        {ready(), []string{"r", "u", "up.update", "q"}, "install up.update false", "Version v1 starts next."},
		"older":            {ready(), []string{"r", "u", "old.update", "downgrade", "q"}, "install old.update true", "older version may have faults"},
		"older, not meant": {ready(), []string{"r", "u", "old.update", "y", "q"}, "", "cannot be taken back"},
		"to a disk":        {ready(), []string{"r", "i", "sdb", "sdb", "q"}, "clone sdb", "verify  100 % of 10 MB"},
		"disk, not meant":  {ready(), []string{"r", "i", "sdb", "yes", "q"}, "", "Everything on sdb is lost"},
		"another disk":     {ready(), []string{"r", "i", "sda", "sda", "q"}, "", "none of these disks"},
		"garbage":          {ready(), []string{"r", "\u00ff\u00fe", "99999999", "q"}, "", "recovery>"},
		"reboot":           {ready(), []string{"r", "reboot"}, "reboot", "recovery>"},
	} {
		c.box.asked = nil
		screen, asked := session(t, c.box, c.lines...)
		if asked != c.asked || !strings.Contains(strings.ToLower(screen), strings.ToLower(c.shows)) {
			t.Errorf("%s: asked %q, want %q; screen:\n%s", name, asked, c.asked, screen)
		}
	}
}

func TestClean(t *testing.T) {
	if got := clean("\x00\x1b[A xStatus\r\n\x7f"); got != "[A xStatus" {
		t.Errorf("%q", got)
	}
}
