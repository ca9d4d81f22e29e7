package door

import (
	"log/slog"
	"time"
)

// Lines of the log about refusals that one source, and that all together, may
// cause in a minute. Of more, a line in ten seconds says that there are.
const (
	LinesEach = 120
	linesAll  = 6_000
)

// Brake bounds the lines about refusals: strangers cannot fill the log, under
// however many addresses of a network they come. All methods may be called from
// any goroutine.
type Brake struct {
	log  *slog.Logger
	what string
	each *Ration[string]
	more Seldom
}

// NewBrake returns one for lines of a kind, as in "http requests refused".
func NewBrake(log *slog.Logger, clock func() time.Time, what string) *Brake {
	return &Brake{log: log, what: what, each: NewRation[string](clock), more: Seldom{Clock: clock}}
}

// Writes tells whether one more line about a source, by its address, is written.
func (b *Brake) Writes(source string) bool {
	name := Named(source)
	if _, ok := b.each.Take(name, LinesEach, time.Minute); ok {
		if _, ok = b.each.Take("", linesAll, time.Minute); ok {
			return true
		}
		b.each.Give(name)
	}
	if skipped, ok := b.more.Now(); ok {
		b.log.Warn(b.what, "event", "denied", "why", "more than are written down", "client", source, "skipped", skipped)
	}
	return false
}
