package turn

import (
	"fmt"
	"log/slog"

	"github.com/pion/logging"

	"sallyport/appliance/door"
)

// loggers lets pion say what it cannot help, seldom: a stranger can cause most
// of its lines, and what matters of them has events.
type loggers struct {
	log   *slog.Logger
	quiet *door.Seldom
}

// NewLogger implements logging.LoggerFactory.
func (l loggers) NewLogger(string) logging.LeveledLogger { return l }

func (l loggers) say(text string) {
	if skipped, now := l.quiet.Now(); now {
		l.log.Debug("turn", "why", text, "skipped", skipped)
	}
}

// The rest implements logging.LeveledLogger.
func (loggers) Trace(string)                {}
func (loggers) Tracef(string, ...any)       {}
func (loggers) Debug(string)                {}
func (loggers) Debugf(string, ...any)       {}
func (loggers) Info(string)                 {}
func (loggers) Infof(string, ...any)        {}
func (l loggers) Warn(text string)          { l.say(text) }
func (l loggers) Error(text string)         { l.say(text) }
func (l loggers) Warnf(f string, a ...any)  { l.say(fmt.Sprintf(f, a...)) }
func (l loggers) Errorf(f string, a ...any) { l.say(fmt.Sprintf(f, a...)) }
