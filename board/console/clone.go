package console

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// clone puts this system on another disk: how a box that was started from a
// stick gets it inside.
func (c *Console) clone() error {
	disks, err := c.Rescue.Disks()
	if err != nil {
		return err
	}
	if len(disks) == 0 {
		return errors.New("there is no other disk")
	}
	for _, d := range disks {
		fmt.Fprintln(c.Terminal, " ", clean(d))
	}
	name, err := c.Terminal.Line("Disk (empty: none): ")
	if err != nil || name == "" {
		return err
	}
	if !slices.ContainsFunc(disks, func(d string) bool { return strings.HasPrefix(d, name+" ") }) {
		return fmt.Errorf("%s is none of these disks", clean(name))
	}
	fmt.Fprintf(c.Terminal, "Everything on %s is lost. It becomes a new box: this one's settings come over by a backup.\n", name)
	if !c.sure(name) {
		return nil
	}
	if err := c.Rescue.Clone(name, c.speed()); err != nil {
		return err
	}
	fmt.Fprintln(c.Terminal, "\nDone. Take out what the box was started from, then restart.")
	return nil
}

// speed shows how a long copy goes on: each tenth, and how fast.
func (c *Console) speed() func(what string, done, all int64) {
	step, told, start := "", int64(-1), time.Time{}
	return func(what string, done, all int64) {
		if what != step {
			step, told, start = what, -1, c.Now()
		}
		tenth := done * 10 / max(all, 1)
		if tenth == told {
			return
		}
		told = tenth
		rate := float64(done) / 1e6 / max(c.Now().Sub(start).Seconds(), 0.001)
		fmt.Fprintf(c.Terminal, "%-7s %3d %% of %d MB, %.0f MB/s\n", what, tenth*10, all/1e6, rate)
	}
}
