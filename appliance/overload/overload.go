package overload

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/xapi"
)

// Level is how much a node has to turn away.
type Level int32

// Strangers are those whom the node knows nothing of: they go first. Calls are
// new calls of whomever.
const (
	Nothing Level = iota
	Strangers
	Calls
)

// String is the word that xStatus shows.
func (l Level) String() string { return [...]string{"None", "Strangers", "NewCalls"}[l] }

// Reading is what the node measured.
type Reading struct {
	Delay       time.Duration // that all but one in a hundred waited less than
	Used, Limit uint64        // bytes of memory; Limit 0: nobody knows
}

// When a level begins. It ends below half of its delay, and a little below its
// memory, so that a node on the brink does not change its mind every second.
// A request over UDP is sent again after half a second (RFC 3261 T1): from there
// on overload feeds itself.
const (
	delayStrangers = 200 * time.Millisecond
	delayCalls     = 500 * time.Millisecond
	memStrangers   = 80 // percent
	memCalls       = 90
	memSlack       = 5

	every   = time.Second
	toRaise = 2 // readings in a row: one may be a hiccup
	toLower = 5
)

// Guard holds the level. Make one with New; all methods may be called from any
// goroutine.
type Guard struct {
	log    *slog.Logger
	alarms *alarm.Book
	read   func() Reading

	level        atomic.Int32
	last         atomic.Pointer[Reading]
	shed, before atomic.Int64 // requests turned away; and when overload began
	above, below int          // readings in a row that ask for another level; of Run
}

// New returns a guard that finds nothing yet. A nil read measures this process.
func New(log *slog.Logger, alarms *alarm.Book, read func() Reading) *Guard {
	if read == nil {
		read = newMeter().read
	}
	g := &Guard{log: log, alarms: alarms, read: read}
	g.last.Store(&Reading{})
	return g
}

// Run measures until ctx ends.
func (g *Guard) Run(ctx context.Context) error {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			g.take(g.read())
		}
	}
}

// Sheds tells whether something of a kind is to be turned away now, and counts
// it if so. Nil guards shed nothing.
func (g *Guard) Sheds(kind Level) bool {
	if g == nil || kind == Nothing || Level(g.level.Load()) < kind {
		return false
	}
	g.shed.Add(1)
	return true
}

// Level is what is turned away now.
func (g *Guard) Level() Level { return Level(g.level.Load()) }

// take judges one reading.
func (g *Guard) take(r Reading) {
	g.last.Store(&r)
	now := g.Level()
	wanted := r.level(now)
	switch {
	case wanted > now:
		g.above, g.below = g.above+1, 0
	case wanted < now:
		g.above, g.below = 0, g.below+1
	default:
		g.above, g.below = 0, 0
	}
	switch {
	case g.above >= toRaise:
		g.become(now, wanted, r)
	case g.below >= toLower:
		g.become(now, now-1, r)
	}
}

// level is what a reading asks for while a level is in force.
func (r Reading) level(now Level) Level {
	for _, l := range [...]struct {
		level Level
		delay time.Duration
		mem   uint64
	}{{Calls, delayCalls, memCalls}, {Strangers, delayStrangers, memStrangers}} {
		if now >= l.level {
			l.delay, l.mem = l.delay/2, l.mem-memSlack
		}
		if r.Delay >= l.delay || r.percent() >= l.mem {
			return l.level
		}
	}
	return Nothing
}

func (r Reading) percent() uint64 {
	if r.Limit == 0 {
		return 0
	}
	return r.Used * 100 / r.Limit
}

// String says what was measured, in the words of log and alarm.
func (r Reading) String() string {
	return fmt.Sprintf("requests wait %d ms, %d%% of the memory is taken", r.Delay.Milliseconds(), r.percent())
}

// become changes the level, and says so once.
func (g *Guard) become(before, now Level, r Reading) {
	g.above, g.below = 0, 0
	g.level.Store(int32(now))
	if before == Nothing {
		g.before.Store(g.shed.Load())
	}
	what := [...]string{"", "Strangers are turned away", "Strangers and new calls are turned away"}[now]
	g.alarms.Set(xapi.AlarmOverload, "", now != Nothing, fmt.Sprintf("%s: %s.", what, r))
	if now == Nothing {
		g.log.Info("overload is over", "event", "overload", "level", now.String(), "refused", g.shed.Load()-g.before.Load(), "why", r.String())
		return
	}
	g.log.Warn("overload", "event", "overload", "level", now.String(), "why", r.String())
}

// Report adds what xStatus ResourceUsage Overload shows.
func (g *Guard) Report(t *xapi.Node) {
	r := g.last.Load()
	t.Leaf("Level", g.Level().String())
	t.Int("Delay", int(r.Delay.Milliseconds()))
	t.Int("MemoryUsed", int(r.Used>>20)).Int("MemoryLimit", int(r.Limit>>20))
	t.Int("Refused", int(g.shed.Load()))
}

// comeBack is the least time to stay away, in seconds.
const comeBack = 10

// ComeBack is for Retry-After: comeBack seconds up to twice as many, by a random
// number, so that those who were turned away together do not come back together.
func ComeBack(random uint64) int { return comeBack + int(random%comeBack) }
