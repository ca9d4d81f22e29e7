package boot

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseFirst(t *testing.T) {
	for in, want := range map[string]string{
		"role edge\nxConfiguration A: 1\n":         "edge|xConfiguration A: 1\n",
		"\xef\xbb\xbf# hello\r\n\r\nRole CORE\r\n": "core|",
		"role edge":             "edge|",
		"xConfiguration A: 1\n": "!",
		"role\n":                "!",
		"role both\n":           "!",
		"role edge core\n":      "!",
		"":                      "!",
		"# only\n":              "!",
	} {
		role, lines, err := parseFirst([]byte(in))
		got := role + "|" + string(lines)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzParseFirst(f *testing.F) {
	f.Add([]byte("role edge\nx\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if role, _, err := parseFirst(b); err == nil && !validRole(role) {
			t.Errorf("role %q", role)
		}
	})
}

func TestOverwriteLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), FirstBootName)
	os.WriteFile(path, []byte("role edge\n"), 0o600)
	if err := overwrite(path); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("it would act again")
	}
}

func TestTerminals(t *testing.T) {
	if got := terminals([]string{"ttynull", "tty0", "ttyS0", "ttyS0", "../x"}); !slices.Equal(got, []string{"tty1", "ttyS0"}) {
		t.Error(got)
	}
}

func TestRingKeepsTheNewest(t *testing.T) {
	r := &ring{max: 100}
	for range 1000 {
		r.Write([]byte("0123456789"))
	}
	r.Write([]byte("end"))
	if got := r.Tail(5); got != "89end" || len(r.text) > 200 {
		t.Error(got, len(r.text))
	}
}

func TestBackoffGrowsAndForgets(t *testing.T) {
	n, now := &node{}, time.Unix(0, 0)
	var waits []time.Duration
	for range 7 {
		n.failed(now, time.Second)
		waits = append(waits, n.next.Sub(now)/time.Second)
	}
	if !slices.Equal(waits, []time.Duration{1, 2, 4, 8, 16, 30, 30}) || n.failures != 7 {
		t.Error(waits, n.failures)
	}
	n.failed(now, time.Hour)
	if n.failures != 1 || n.next.Sub(now) != time.Second {
		t.Error("a long good time did not count", n.failures, n.next)
	}
}

func newMachine() *machine {
	return &machine{
		phases: &phases{out: &ring{max: 4096}, log: &ring{max: 4096}}, nodeLog: &ring{max: 4096},
		reaper: newReaper(), mounted: true, role: "edge",
	}
}

// TestNodeEnds walks through how a node can end and what follows.
func TestNodeEnds(t *testing.T) {
	exited := func(code int) syscall.WaitStatus { return syscall.WaitStatus(code << 8) }
	now := time.Unix(1000, 0)
	m := newMachine()
	begin := func() {
		m.node = node{want: true, pid: 1 << 30, started: now.Add(-time.Minute)}
	}
	begin()
	m.nodeEnded(exited(1), now)
	if !m.node.want || m.node.next != now.Add(time.Second) || !strings.Contains(m.node.state(), "code 1") {
		t.Errorf("%+v", m.node)
	}
	begin()
	m.nodeEnded(exited(noRestart), now)
	if m.node.want || m.node.state() != "stopped: ended with code 125" {
		t.Errorf("%+v %s", m.node, m.node.state())
	}
	begin()
	m.node.want, m.node.killed = false, now
	m.nodeEnded(exited(0), now)
	if m.node.state() != "stopped: stopped by request" {
		t.Error(m.node.state())
	}
	begin()
	m.nodeEnded(syscall.WaitStatus(syscall.SIGSEGV), now)
	if !strings.Contains(m.node.why, "segmentation") {
		t.Error(m.node.why)
	}
}

// TestTrialEndsInReboot has a slot on trial whose node never gets ready.
func TestTrialEndsInReboot(t *testing.T) {
	m := newMachine()
	m.cmdline.Slot, m.boot.Device = "b", "/dev/none"
	now := time.Unix(1000, 0)
	m.node = node{want: true, pid: 1 << 30, started: now, alive: now}
	m.watchNode(now.Add(readyWithin - time.Second))
	if m.node.failures != 0 {
		t.Error("too early")
	}
	m.watchNode(now.Add(readyWithin + time.Second))
	if m.node.failures < failuresMax || m.blessed() {
		t.Error("a node that never gets ready was let be")
	}
	m.isBlessed = true
	m.node.failures = 0
	m.watchNode(now.Add(readyWithin + 2*time.Second))
	if m.node.failures != 0 {
		t.Error("a good slot went back to the boot loader")
	}
}

func TestAnswers(t *testing.T) {
	m := newMachine()
	m.role, m.trouble = "", "the disk is damaged"
	now := time.Now()
	for line, want := range map[string]string{
		"node start": "the disk is damaged", "node dance": "not known", "fly": "not known",
		"role both": "no role", "reset 4": "no level",
	} {
		if _, err := m.answer(strings.Fields(line), now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", line, err)
		}
	}
	m.cmdline.Slot = "recovery"
	m.trouble, m.role = "", "edge"
	if _, err := m.answer([]string{"node", "start"}, now); err == nil {
		t.Error("the recovery entry started a node")
	}
	if text, err := m.answer([]string{"status"}, now); err != nil || !strings.Contains(text, `"Recovery":true`) {
		t.Error(text, err)
	}
}

func TestControlSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "control")
	requests := make(chan request)
	if err := serveControl(path, requests); err != nil {
		t.Fatal(err)
	}
	go func() {
		for r := range requests {
			if r.words[0] == "bad" {
				r.reply <- answer{err: errors.New("no\nway")}
				continue
			}
			r.reply <- answer{text: strings.Join(r.words, "+")}
		}
	}()
	if got, err := ask(path, "a b c"); got != "a+b+c" || err != nil {
		t.Error(got, err)
	}
	if _, err := ask(path, "bad"); err == nil || err.Error() != "no; way" {
		t.Error(err)
	}
	close(requests)
}

func TestReset(t *testing.T) {
	dir := t.TempDir()
	fill := func() {
		for _, f := range []string{"node/config.db", "node/trust/key", "role", "recovery"} {
			os.MkdirAll(filepath.Dir(filepath.Join(dir, f)), 0o700)
			os.WriteFile(filepath.Join(dir, f), nil, 0o600)
		}
	}
	left := func() string {
		var out []string
		for _, f := range []string{"node/config.db", "node/trust/key", "role", "recovery"} {
			if _, err := os.Stat(filepath.Join(dir, f)); err == nil {
				out = append(out, f)
			}
		}
		return strings.Join(out, " ")
	}
	for level, want := range map[int]string{1: "node/trust/key role recovery", 2: "role recovery", 3: ""} {
		fill()
		if err := reset(dir, level); err != nil || left() != want {
			t.Errorf("level %d: %v, left %q", level, err, left())
		}
		if err := reset(dir, level); err != nil {
			t.Errorf("level %d, the second time: %v", level, err)
		}
	}
	if reset(dir, 0) == nil {
		t.Error("level 0")
	}
}

// TestGive hands a folder over, but no link's target and nothing with a second
// name elsewhere.
func TestGive(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("giving files away takes a superuser")
	}
	dir := t.TempDir()
	node := filepath.Join(dir, "node")
	os.MkdirAll(filepath.Join(node, "trust"), 0o700)
	for _, f := range []string{"node/config.db", "node/trust/key", "secret", "shared"} {
		os.WriteFile(filepath.Join(dir, f), nil, 0o600)
	}
	os.Symlink(filepath.Join(dir, "secret"), filepath.Join(node, "link"))
	os.Link(filepath.Join(dir, "shared"), filepath.Join(node, "second"))
	owner := func(f string) uint32 {
		st, err := os.Stat(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		return st.Sys().(*syscall.Stat_t).Uid
	}
	for range 2 {
		if err := give(node, 990); err != nil {
			t.Fatal(err)
		}
		for f, want := range map[string]uint32{"node": 990, "node/config.db": 990, "node/trust": 990, "node/trust/key": 990, "secret": 0, "shared": 0} {
			if got := owner(f); got != want {
				t.Errorf("%s belongs to %d, want %d", f, got, want)
			}
		}
	}
	if err := give(node, 0); err != nil || owner("node/trust/key") != 0 {
		t.Error("not given back", err)
	}
}
