package run

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is what services note, in order.
type diary struct {
	mu    sync.Mutex
	lines []string
}

func (d *diary) note(line string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) service(name string) func(context.Context) error {
	return func(ctx context.Context) error {
		d.note("start " + name)
		<-ctx.Done()
		d.note("stop " + name)
		return ctx.Err()
	}
}

// running starts the group and returns what stops it and waits.
func running(t *testing.T, g *Group) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- g.Run(ctx) }()
	return func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("run: %v", err)
		}
	}
}

func TestStopsInReverse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		g := NewGroup(slog.New(slog.DiscardHandler))
		for _, name := range []string{"config", "planes", "faces"} {
			g.Add(name, d.service(name))
		}
		stop := running(t, g)
		synctest.Wait()
		stop()
		slices.Sort(d.lines[:3]) // started in order, but each in its own goroutine
		want := []string{"start config", "start faces", "start planes", "stop faces", "stop planes", "stop config"}
		if !slices.Equal(d.lines, want) {
			t.Errorf("got %q, want %q", d.lines, want)
		}
	})
}

func TestPanicIsContainedAndStartedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d diary
		var log bytes.Buffer
		g := NewGroup(slog.New(slog.NewTextHandler(&log, nil)))
		var failures []string
		g.OnFailure(func(name string, err error) { failures = append(failures, name+": "+err.Error()) })
		tries := 0
		g.Add("steady", d.service("steady"))
		g.Add("shaky", func(ctx context.Context) error {
			switch tries++; tries {
			case 1:
				panic("boom")
			case 2:
				return errors.New("no route")
			case 3:
				return nil
			}
			return d.service("shaky")(ctx)
		})
		stop := running(t, g)
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		want := []string{"shaky: panic: boom", "shaky: no route", "shaky: returned before it was told to stop"}
		if !slices.Equal(failures, want) {
			t.Errorf("failures %q, want %q", failures, want)
		}
		if !strings.Contains(log.String(), "run_test.go") {
			t.Error("the log has no stack of the panic")
		}
		if want := []string{"start steady", "start shaky", "stop shaky", "stop steady"}; !slices.Equal(d.lines, want) {
			t.Errorf("got %q, want %q", d.lines, want)
		}
	})
}

func TestBackoffGrowsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(slog.New(slog.DiscardHandler))
		var starts []time.Time
		g.Add("down", func(ctx context.Context) error {
			starts = append(starts, time.Now())
			if len(starts) == 12 {
				time.Sleep(2 * steady)
			}
			return errors.New("down")
		})
		stop := running(t, g)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		stop()
		wait := func(i int) time.Duration { return starts[i].Sub(starts[i-1]) }
		if wait(1) != firstWait || wait(2) != 2*firstWait || wait(11) != longest {
			t.Errorf("waits %v %v … %v", wait(1), wait(2), wait(11))
		}
		if wait(12) != 2*steady+firstWait {
			t.Errorf("wait after a steady run %v, want %v", wait(12)-2*steady, firstWait)
		}
	})
}

func TestFailingHandlerDoesNotEndTheService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := NewGroup(slog.New(slog.DiscardHandler))
		g.OnFailure(func(string, error) { panic("handler") })
		tries := 0
		g.Add("down", func(ctx context.Context) error { tries++; return errors.New("down") })
		stop := running(t, g)
		time.Sleep(time.Second)
		synctest.Wait()
		stop()
		if tries < 3 {
			t.Errorf("tried %d times", tries)
		}
	})
}
