package clock

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func TestBeginNeverGoesBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	seen := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	if err := Remember(file, seen); err != nil {
		t.Fatal(err)
	}
	var set time.Time
	by, err := Begin(file, time.Unix(0, 0), func(tm time.Time) error { set = tm; return nil })
	if err != nil || by == 0 || !set.Equal(seen) {
		t.Error(by, err, set)
	}
	if by, _ := Begin(file, seen.Add(time.Hour), nil); by != 0 {
		t.Error("a good clock was moved", by)
	}
	if by, err := Begin(file+"none", seen, nil); by != 0 || err != nil {
		t.Error(by, err)
	}
}

func TestAgreeTakesTheMiddle(t *testing.T) {
	liar := Answer{Server: "liar", Offset: 20 * 365 * 24 * time.Hour}
	got, err := agree([]Answer{{Offset: time.Second}, liar, {Offset: 2 * time.Second}})
	if got != 2*time.Second || err != nil {
		t.Error(got, err)
	}
	if _, err := agree([]Answer{{Server: "a", Err: errors.New("silent")}}); err == nil {
		t.Error("no server, yet a time")
	}
}

func TestStepsThenSlews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		offset := time.Hour
		var steps, slews int
		c := New(Config{
			Log:   slog.New(slog.DiscardHandler),
			Query: func(_ context.Context, s string) Answer { return Answer{Server: s, Offset: offset, Stratum: 2} },
			Set:   func(time.Time) error { steps++; offset = 10 * time.Millisecond; return nil },
			Slew:  func(time.Duration) error { slews++; return nil },
		})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { c.Run(ctx); close(done) }()
		synctest.Wait()
		if answers, synced := c.Status(); len(answers) != 0 || !synced.IsZero() {
			t.Error("it asked nobody, yet knows")
		}
		c.Apply([]string{"ntp.example"})
		synctest.Wait()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		if answers, synced := c.Status(); steps != 1 || slews != 1 || len(answers) != 1 || synced.IsZero() {
			t.Error(steps, slews, answers, synced)
		}
		cancel()
		<-done
	})
}
