package eventlog

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestSpool: lines wait for company, a warning takes all that wait with it at
// once, and what is left when the log ends still goes out.
func TestSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wrote := make(chan string, 8)
		s := newSpool(func(lines []byte) int {
			wrote <- string(lines)
			return 0
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { s.run(ctx); close(done) }()
		expect := func(when string, want ...string) {
			t.Helper()
			synctest.Wait()
			var got []string
			for len(wrote) > 0 {
				got = append(got, <-wrote)
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s: %q, want %q", when, got, want)
			}
		}
		s.offer(slog.LevelInfo, []byte("a\n"))
		s.offer(slog.LevelInfo, []byte("b\n"))
		expect("at once")
		time.Sleep(gather)
		expect("after a moment", "a\nb\n")
		s.offer(slog.LevelInfo, []byte("c\n"))
		s.offer(slog.LevelError, []byte("d\n"))
		expect("an error", "c\nd\n")
		s.offer(slog.LevelInfo, []byte("e\n"))
		cancel()
		<-done
		expect("at the end", "e\n")
	})
}

func TestSpoolDropsWhatIsTooMuch(t *testing.T) {
	taken := 0
	s := newSpool(func(lines []byte) int { taken = bytes.Count(lines, []byte("\n")); return 1 })
	line := []byte(strings.Repeat("x", 1023) + "\n")
	for range spoolSize/len(line) + 3 {
		s.offer(slog.LevelInfo, line)
	}
	s.flush()
	if taken != spoolSize/len(line) || s.dropped.Load() != 3+1 {
		t.Errorf("%d taken, %d dropped", taken, s.dropped.Load())
	}
}

// TestFileTakesManyLines cuts a batch at whole lines where the file is full.
func TestFileTakesManyLines(t *testing.T) {
	path := t.TempDir() + "/log"
	f := newFileSink(path, 100, 2)
	if n := f.write([]byte(strings.Repeat(strings.Repeat("x", 39)+"\n", 4) + strings.Repeat("y", 149) + "\nz\n")); n != 0 {
		t.Errorf("%d dropped", n)
	}
	f.close()
	if b := read(t, path); b != "z\n" {
		t.Errorf("log: %q", b)
	}
	if b := read(t, path+".1"); b != strings.Repeat("y", 149)+"\n" {
		t.Errorf("log.1: %q", b)
	}
	if b := read(t, path+".2"); strings.Count(b, "\n") != 2 || len(b) != 80 {
		t.Errorf("log.2: %q", b)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
