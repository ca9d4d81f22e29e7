package config

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"sallyport/appliance/xapi"
)

func confirmSet(t *testing.T, s *Store, within time.Duration, lines ...string) *Commit {
	t.Helper()
	c, err := s.EditConfirm(alice, within, setAll(lines...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestUnconfirmedChangeGoesBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.db")
	synctest.Test(t, func(t *testing.T) {
		opt := testOptions(nil)
		opt.Clock = time.Now
		s := openAt(t, path, opt)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		set(t, s, alice, "SystemUnit Name: before")

		c := confirmSet(t, s, time.Minute, "SystemUnit Name: risky")
		if c.Pending == nil || c.Pending.Base != 1 {
			t.Fatalf("pending %+v", c.Pending)
		}
		set(t, s, bob, "Log Level: 3")
		time.Sleep(59 * time.Second)
		synctest.Wait()
		if got := s.Snapshot().Str(xapi.SystemUnitName); got != "risky" {
			t.Errorf("after 59 s: %s", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		sn := s.Snapshot()
		if sn.Str(xapi.SystemUnitName) != "before" || sn.IsSet(xapi.LogLevel.Item) || sn.Rev() != 4 || s.Pending() != nil {
			t.Errorf("after 61 s revision %d:\n%s", sn.Rev(), dump(sn))
		}

		confirmSet(t, s, time.Minute, "SystemUnit Name: good")
		if _, err := s.Confirm(alice); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if got := s.Snapshot().Str(xapi.SystemUnitName); got != "good" {
			t.Errorf("a confirmed change went back to %s", got)
		}
		if _, err := s.Confirm(alice); !errors.Is(err, ErrNothingPending) {
			t.Errorf("second confirm: %v", err)
		}

		confirmSet(t, s, time.Minute, "SystemUnit Name: again")
		time.Sleep(50 * time.Second)
		confirmSet(t, s, time.Minute, "Log Level: 4")
		time.Sleep(50 * time.Second)
		synctest.Wait()
		if got := s.Snapshot().Str(xapi.SystemUnitName); got != "again" {
			t.Error("the second limit did not replace the first")
		}
		if _, err := s.Revert(alice); err != nil {
			t.Fatal(err)
		}
		if sn := s.Snapshot(); sn.Str(xapi.SystemUnitName) != "good" || sn.IsSet(xapi.LogLevel.Item) {
			t.Errorf("after revert:\n%s", dump(sn))
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		s.Close()
	})
}

func TestLimitSurvivesARestart(t *testing.T) {
	h, path := newHand(), filepath.Join(t.TempDir(), "config.db")
	s := openAt(t, path, testOptions(h))
	set(t, s, alice, "SystemUnit Name: before")
	confirmSet(t, s, time.Minute, "SystemUnit Name: risky")
	s.Close()

	h.t = h.t.Add(30 * time.Second)
	s = openAt(t, path, testOptions(h))
	if s.Snapshot().Str(xapi.SystemUnitName) != "risky" || s.Pending() == nil {
		t.Error("the change did not wait for its time")
	}
	s.Close()

	h.t = h.t.Add(31 * time.Second)
	s = openAt(t, path, testOptions(h))
	if sn := s.Snapshot(); sn.Str(xapi.SystemUnitName) != "before" || s.Pending() != nil {
		t.Errorf("after the time was over:\n%s", dump(sn))
	}
	if e, _ := s.Journal(1); e[0].Who.User != "system" || e[0].Note != "not confirmed in time: back to revision 1" {
		t.Errorf("journal %+v", e[0])
	}
}

// TestClockThatWentBack must not make a change wait for years.
func TestClockThatWentBack(t *testing.T) {
	s, h := openNew(t)
	confirmSet(t, s, time.Minute, "SystemUnit Name: risky")
	h.t = h.t.Add(-24 * 365 * time.Hour)
	if left := s.nextRevert(); left != time.Minute {
		t.Errorf("waits %v, want a minute", left)
	}
}

func TestConfirmBounds(t *testing.T) {
	s, _ := openNew(t)
	for _, d := range []time.Duration{0, -time.Second, MaxConfirm + 1} {
		if _, err := s.EditConfirm(alice, d, setAll("Log Level: 2")); err == nil {
			t.Errorf("%v was taken", d)
		}
	}
	if _, err := s.Revert(alice); !errors.Is(err, ErrNothingPending) {
		t.Errorf("revert of nothing: %v", err)
	}
}

// What a session held is not there when the node comes back without it.
func TestHeldChangeDiesWithTheNode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.db")
	opt := testOptions(nil)
	opt.Clock = time.Now
	s := openAt(t, path, opt)
	set(t, s, alice, "SystemUnit Name: before")
	holder, err := s.Hold(alice)
	if err != nil {
		t.Fatal(err)
	}
	set(t, s, alice, "SystemUnit Name: risky")
	if _, err := s.Release(holder+1, bob); err != nil || s.Snapshot().Str(xapi.SystemUnitName) != "risky" {
		t.Errorf("another's release: %v, %s", err, s.Snapshot().Str(xapi.SystemUnitName))
	}
	s.Close()
	s = openAt(t, path, opt)
	if got := s.Snapshot().Str(xapi.SystemUnitName); got != "before" || s.Pending() != nil {
		t.Errorf("after a restart: %s, waiting %v", got, s.Pending())
	}
	if c, err := s.Release(holder, alice); err != nil || len(c.Changes) != 0 {
		t.Errorf("released twice: %v, %v", c, err)
	}
}
