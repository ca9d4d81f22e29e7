package overload

import (
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"sallyport/appliance/alarm"
)

func busy(ms int) Reading { return Reading{Delay: time.Duration(ms) * time.Millisecond} }

func filled(percent uint64) Reading { return Reading{Used: percent, Limit: 100} }

// TestLevels takes readings one by one: a level takes two in a row, its end five
// that are clearly better, one step at a time.
func TestLevels(t *testing.T) {
	type step struct {
		r     Reading
		times int
		want  Level
	}
	for name, steps := range map[string][]step{
		"hiccup":  {{busy(900), 1, Nothing}, {busy(1), 1, Nothing}, {busy(900), 1, Nothing}},
		"delay":   {{busy(250), 2, Strangers}, {busy(600), 2, Calls}, {busy(300), 9, Calls}, {busy(150), 5, Strangers}, {busy(120), 9, Strangers}, {busy(50), 5, Nothing}},
		"memory":  {{filled(79), 9, Nothing}, {filled(80), 2, Strangers}, {filled(76), 9, Strangers}, {filled(92), 2, Calls}, {filled(10), 5, Strangers}, {filled(10), 5, Nothing}},
		"brink":   {{busy(210), 2, Strangers}, {busy(10), 4, Strangers}, {busy(210), 1, Strangers}, {busy(10), 4, Strangers}, {busy(10), 1, Nothing}},
		"unknown": {{Reading{Used: 1 << 40}, 9, Nothing}},
	} {
		t.Run(name, func(t *testing.T) {
			book := alarm.NewBook(time.Now)
			g := New(slog.New(slog.NewTextHandler(io.Discard, nil)), book, func() Reading { return Reading{} })
			for i, s := range steps {
				for range s.times {
					g.take(s.r)
				}
				if g.Level() != s.want {
					t.Fatalf("step %d: level %s, want %s", i, g.Level(), s.want)
				}
				if raised := len(book.List()) > 0; raised != (s.want != Nothing) {
					t.Fatalf("step %d: alarm raised: %t", i, raised)
				}
				if g.Sheds(Strangers) != (s.want >= Strangers) || g.Sheds(Calls) != (s.want >= Calls) || g.Sheds(Nothing) {
					t.Fatalf("step %d: sheds what it should not", i)
				}
			}
		})
	}
}

// TestLog says once that overload began and once that it is over, with the count.
func TestLog(t *testing.T) {
	var out strings.Builder
	g := New(slog.New(slog.NewTextHandler(&out, nil)), alarm.NewBook(time.Now), func() Reading { return Reading{} })
	for range 10 {
		g.take(busy(300))
	}
	for range 7 {
		g.Sheds(Strangers)
	}
	for range 10 {
		g.take(busy(1))
	}
	if text := out.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "refused=7") {
		t.Error(text)
	}
}

func TestMachineLimit(t *testing.T) {
	const meminfo = "MemTotal:        1000000 kB\nMemFree: 1 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  uint64
	}{
		{"nothing known", nil, 0},
		{"machine", map[string]string{"proc/meminfo": meminfo}, 1000000 << 10},
		{"container without limit", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "max\n"}, 1000000 << 10},
		{"container", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory.max": "268435456\n"}, 256 << 20},
		{"service", map[string]string{"proc/meminfo": meminfo, "proc/self/cgroup": "0::/system.slice/edge.service\n",
			"sys/fs/cgroup/system.slice/edge.service/memory.max": "134217728\n"}, 128 << 20},
		{"older kernel", map[string]string{"proc/meminfo": meminfo, "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n"}, 1000000 << 10},
	} {
		root := fstest.MapFS{}
		for name, text := range c.files {
			root[name] = &fstest.MapFile{Data: []byte(text)}
		}
		if got := machineLimit(root); got != c.want {
			t.Errorf("%s: got %d, want %d", c.name, got, c.want)
		}
	}
}

func TestPercentile(t *testing.T) {
	bounds := []float64{0, 0.001, 0.01, 0.1, 1}
	if got := percentile([]uint64{990, 9, 0, 1}, bounds, 990); got != 0 {
		t.Errorf("one in a hundred counted: %s", got)
	}
	if got := percentile([]uint64{900, 50, 0, 50}, bounds, 990); got != 100*time.Millisecond {
		t.Errorf("got %s", got)
	}
}

// TestMeter reads this process: it has some memory, and knows of a limit where
// the machine tells one.
func TestMeter(t *testing.T) {
	m := newMeter()
	m.read()
	if r := m.read(); r.Used == 0 || r.Delay < 0 {
		t.Errorf("got %+v", r)
	}
}
