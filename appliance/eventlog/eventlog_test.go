package eventlog

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

func at(second int) func() time.Time {
	return func() time.Time { return time.Date(2026, 11, 22, 16, 46, second, 0, time.UTC) }
}

func TestLines(t *testing.T) {
	var out bytes.Buffer
	l := New(Config{Node: "edge1", Out: &out, Clock: at(0)})
	log := l.Logger().With("plane", "http", "password", "swordfish")
	stamped := func(r slog.Record) { r.Time = at(1)(); _ = log.Handler().Handle(t.Context(), r) }

	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "request denied", 0)
	r.Add("why", "no rule", "client", "192.0.2.7", "Cookie", "a=b", "path", "x\ny=\"1\"", "empty", "")
	stamped(r)
	r = slog.NewRecord(time.Time{}, slog.LevelWarn, "line\nbreak Password: x", 0)
	r.AddAttrs(slog.Group("tls", "version", 13, "secret", "x"), slog.Duration("took", time.Second))
	stamped(r)

	want := `2026-11-22T16:46:01.000Z edge1 INFO "request denied" plane=http password=*** why="no rule" client=192.0.2.7 Cookie=*** path="x\ny=\"1\"" empty=""
2026-11-22T16:46:01.000Z edge1 WARN "line\nbreak Password: ***" plane=http password=*** tls.version=13 tls.secret=*** took=1s
`
	if got := out.String(); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestRingKeepsTheNewest(t *testing.T) {
	l := New(Config{Ring: 3})
	for i := range 8 {
		l.Logger().Info(fmt.Sprint(i))
	}
	var got string
	for _, e := range l.Recent(0) {
		got += e.Message
	}
	if got != "567" {
		t.Errorf("ring holds %q, want 567", got)
	}
	if last := l.Recent(1); len(last) != 1 || last[0].Message != "7" {
		t.Errorf("newest is %v, want 7", last)
	}
}

func TestLevelIsLive(t *testing.T) {
	l := New(Config{})
	log := l.Logger().With("a", 1)
	log.Debug("no")
	l.SetLevel(slog.LevelDebug)
	log.Debug("yes")
	l.SetLevel(slog.LevelError)
	log.Warn("no")
	if got := l.Recent(0); len(got) != 1 || got[0].Message != "yes" || l.Level() != slog.LevelError {
		t.Errorf("kept %v", got)
	}
}

func TestEntriesAreBounded(t *testing.T) {
	l := New(Config{})
	long := strings.Repeat("é", 8000)
	args := []any{}
	for i := range 100 {
		args = append(args, fmt.Sprint("k", i), long)
	}
	l.Logger().Info(long, args...)
	e := l.Recent(1)[0]
	if size := len(e.AppendLine(nil)); size > 2*maxEntry {
		t.Errorf("the line has %d bytes", size)
	}
	if len(e.Message) > maxMessage+4 || len(e.Attrs) > maxAttrs || len(e.Get("k3")) > maxValue+4 || e.Get("absent") != "" {
		t.Errorf("message %d, %d attrs, value %d bytes", len(e.Message), len(e.Attrs), len(e.Get("k3")))
	}
}

func TestConcurrentUse(t *testing.T) {
	l := New(Config{Ring: 16, Out: &bytes.Buffer{}})
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for range 50 {
				l.Logger().Info("x", "i", i)
				l.Recent(4)
				l.SetLevel(slog.LevelInfo)
			}
		})
	}
	wg.Wait()
}

func TestFileRotates(t *testing.T) {
	path := t.TempDir() + "/logs/log"
	f := newFileSink(path, 100, 2)
	for i := range 10 {
		f.write(fmt.Appendf(nil, "%02d %s\n", i, strings.Repeat("x", 36))) // two lines a file
	}
	f.close()
	for name, want := range map[string]string{"": "08", ".1": "06", ".2": "04"} {
		b, err := os.ReadFile(path + name)
		if err != nil || !strings.HasPrefix(string(b), want) || len(b) != 80 {
			t.Errorf("log%s: %q, %v; want it to begin with %s", name, b, err, want)
		}
	}
	if _, err := os.Stat(path + ".3"); err == nil {
		t.Error("a third old file is kept")
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestFileTakesUpAgain(t *testing.T) {
	path := t.TempDir() + "/log"
	for range 2 {
		f := newFileSink(path, 100, 2)
		f.write([]byte(strings.Repeat("y", 60) + "\n"))
		f.close()
	}
	if b, _ := os.ReadFile(path); len(b) != 61 {
		t.Errorf("log holds %d bytes: the size before the start was not counted", len(b))
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	l := New(Config{File: "/dev/null/log"})
	start(t, l)
	l.Logger().Info("lost")
	eventually(t, func() bool { return l.Dropped() == 1 })
}

func TestFileGetsWhatIsLeft(t *testing.T) {
	path := t.TempDir() + "/log"
	l := New(Config{File: path})
	stop := start(t, l)
	for range 100 {
		l.Logger().Info("line")
	}
	stop()
	l.Close()
	if b, _ := os.ReadFile(path); bytes.Count(b, []byte("\n")) != 100 {
		t.Errorf("%d lines in the file, want 100", bytes.Count(b, []byte("\n")))
	}
}
