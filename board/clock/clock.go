// Package clock keeps the machine's time: it begins with a believable one,
// follows time servers, and remembers the time for the next start, since many
// small boxes forget it with the power. The first process calls Begin, the
// node the rest.
package clock

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/beevik/ntp"
	"golang.org/x/sys/unix"
)

// Begin moves a clock that stands before the newest time the machine is known
// to have seen, the time of the file, up to that. It reports by how much.
func Begin(file string, now time.Time, set func(time.Time) error) (time.Duration, error) {
	st, err := os.Stat(file)
	if err != nil || !st.ModTime().After(now) {
		return 0, nil
	}
	return st.ModTime().Sub(now), set(st.ModTime())
}

// Remember notes the time for the next Begin.
func Remember(file string, now time.Time) error {
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Chtimes(file, now, now)
}

// Set steps the machine's clock.
func Set(t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	return unix.ClockSettime(unix.CLOCK_REALTIME, &ts)
}

// Slew moves the clock by a little without a jump.
func Slew(by time.Duration) error {
	const offset, nanoseconds, status = 0x0001, 0x2000, 0x0010
	_, err := unix.ClockAdjtime(unix.CLOCK_REALTIME, &unix.Timex{
		Modes: offset | nanoseconds | status, Offset: by.Nanoseconds(), Status: 0x0001,
	})
	return err
}

// Answer is what one server said.
type Answer struct {
	Server  string
	Offset  time.Duration // to add to our clock
	Stratum int
	Err     error
}

// Config is what the clock needs of its caller. Functions that are nil are the
// machine's own, for which only a superuser has the rights.
type Config struct {
	Log   *slog.Logger
	Note  func(time.Time) error // notes the time for the next start; nil: nobody does
	Now   func() time.Time
	Query func(ctx context.Context, server string) Answer
	Set   func(time.Time) error
	Slew  func(time.Duration) error
}

// Clock follows time servers.
type Clock struct {
	cfg  Config
	kick chan struct{}

	mu      sync.Mutex
	servers []string
	answers []Answer
	synced  time.Time // when it last agreed with the servers
}

// New makes a clock's keeper.
func New(cfg Config) *Clock {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Query == nil {
		cfg.Query = query
	}
	if cfg.Set == nil {
		cfg.Set = Set
	}
	if cfg.Slew == nil {
		cfg.Slew = Slew
	}
	return &Clock{cfg: cfg, kick: make(chan struct{}, 1)}
}

// Apply follows these servers from now on.
func (c *Clock) Apply(servers []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if slices.Equal(c.servers, servers) {
		return
	}
	c.servers = slices.Clone(servers)
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

// Status is what the servers said last, and when the clock last agreed with
// them; zero if it never did.
func (c *Clock) Status() ([]Answer, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.answers), c.synced
}

// How often servers are asked, and from which difference the clock jumps.
const (
	often    = 15 * time.Second // until it agrees
	seldom   = 15 * time.Minute
	stepFrom = 500 * time.Millisecond
)

// Run follows the servers until ctx ends.
func (c *Clock) Run(ctx context.Context) error {
	for {
		wait := often
		if c.round(ctx) {
			wait = seldom
		}
		c.remember()
		// A little chance keeps many boxes from asking at once.
		t := time.NewTimer(wait + rand.N(wait/8))
		select {
		case <-ctx.Done():
			t.Stop()
			c.remember()
			return nil
		case <-c.kick:
			t.Stop()
		case <-t.C:
		}
	}
}

func (c *Clock) remember() {
	if c.cfg.Note == nil {
		return
	}
	if err := c.cfg.Note(c.cfg.Now()); err != nil {
		c.cfg.Log.Warn("the time was not noted for the next start", "err", err)
	}
}

// round asks every server once. It reports whether nothing is left to do for a
// while.
func (c *Clock) round(ctx context.Context) bool {
	c.mu.Lock()
	servers := c.servers
	c.mu.Unlock()
	if len(servers) == 0 {
		return true
	}
	answers := make([]Answer, len(servers))
	var work sync.WaitGroup
	for i, s := range servers {
		work.Go(func() { answers[i] = c.cfg.Query(ctx, s) })
	}
	work.Wait()
	offset, err := agree(answers)
	c.mu.Lock()
	c.answers = answers
	c.mu.Unlock()
	if err != nil {
		c.cfg.Log.Warn("time servers", "err", err)
		return false
	}
	return c.move(offset)
}

func (c *Clock) move(offset time.Duration) bool {
	var err error
	if offset.Abs() > stepFrom {
		c.cfg.Log.Info("clock set", "by", offset)
		err = c.cfg.Set(c.cfg.Now().Add(offset))
	} else {
		err = c.cfg.Slew(offset)
	}
	if err != nil {
		c.cfg.Log.Warn("clock", "err", err)
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.synced = c.cfg.Now()
	return true
}

// agree is the middle of what the servers said: with three or more, one that
// lies moves nothing far.
func agree(answers []Answer) (time.Duration, error) {
	var offsets []time.Duration
	var errs []error
	for _, a := range answers {
		if a.Err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", a.Server, a.Err))
			continue
		}
		offsets = append(offsets, a.Offset)
	}
	if len(offsets) == 0 {
		return 0, errors.Join(errs...)
	}
	slices.Sort(offsets)
	return offsets[(len(offsets)-1)/2], nil
}

func query(_ context.Context, server string) Answer {
	r, err := ntp.QueryWithOptions(server, ntp.QueryOptions{Timeout: 4 * time.Second})
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		return Answer{Server: server, Err: err}
	}
	return Answer{Server: server, Offset: r.ClockOffset, Stratum: int(r.Stratum)}
}
