package shell

import (
	"context"
	"fmt"
	"time"
)

// verbTable lists the first words of a line: the replaced product's, then ours.
func verbTable() []verb {
	return []verb{
		{"xConfiguration", "<path> [value]", "Reads and sets the configuration.", (*turn).configuration},
		{"xCommand", "<name> [parameters]", "Runs a command.", (*turn).command},
		{"xStatus", "[path]", "Reads what is going on.", (*turn).status},
		{"xHistory", "[path]", "Reads what is over.", (*turn).history},
		{"xFeedback", "register|deregister|list", "Tells of events as they happen.", (*turn).feedback},
		{"xgetxml", "<path>", "Reads configuration, status and history as XML.", (*turn).getXML},
		{"history", "[n]", "Lists the newest revisions of the configuration.", (*turn).revisions},
		{"diff", "[rev [rev]]", "Shows what changed since a revision.", (*turn).diff},
		{"rollback", "<rev>", "Goes back to the values of a revision.", (*turn).rollback},
		{"confirm", "", "Keeps a change that else is taken back.", (*turn).confirm},
		{"safe", "on|off|revert", "Lets changes go back when this session ends, unless they are confirmed.", (*turn).safe},
		{"export", "[file]", "Prints the configuration as lines to paste, or writes them to a file.", (*turn).export},
		{"import", "[file] [-all|-dry]", "Takes such lines, or a dump of the replaced product.", (*turn).importLines},
		{"why", "user <name>", "Tells what became of a user's newest requests, and which rule decided.", (*turn).why},
		{"trace", "user <name> [time]", "Shows a user's messages as they pass, for 5m or the time given.", (*turn).trace},
		{"help", "", "Prints this list.", func(t *turn, _ context.Context, _ []word) int { return t.overview() }},
		{"exit", "", "Ends the session.", (*turn).exit},
	}
}

func (t *turn) exit(context.Context, []word) int {
	t.mu.Lock()
	t.done = true
	t.mu.Unlock()
	return Done
}

// answer ends a verb's output.
func (t *turn) answer(err error) int {
	if err != nil {
		return t.wrong(err)
	}
	t.printf(okLine)
	return Done
}

// person reads "user alice", "alice", and what follows.
func person(words []word) (name string, rest []word, err error) {
	if len(words) > 1 && prefixFold("user", words[0].text) {
		words = words[1:]
	}
	if len(words) == 0 || words[0].text == "user" {
		return "", nil, usageError("whose? Give a user, such as: why user alice")
	}
	return words[0].text, words[1:], nil
}

func (t *turn) why(ctx context.Context, words []word) int {
	user, _, err := person(words)
	if err != nil {
		return t.wrong(err)
	}
	return t.answer(t.b.Why(ctx, user, t.w))
}

// Limits of a trace: it costs on the hot path and shows private messages.
const (
	defaultTrace = 5 * time.Minute
	maxTrace     = time.Hour
)

func (t *turn) trace(ctx context.Context, words []word) int {
	user, rest, err := person(words)
	if err != nil {
		return t.wrong(err)
	}
	d := defaultTrace
	if len(rest) > 0 {
		if d, err = time.ParseDuration(rest[0].text); err != nil || d <= 0 || d > maxTrace {
			return t.wrong(usageError(fmt.Sprintf("%q is not a time up to %s, such as 5m or 90s", clip(rest[0].text), "1h")))
		}
	}
	if err = t.b.Trace(ctx, user, d, t.w); ctx.Err() != nil {
		err = nil // the administrator has seen enough
	}
	return t.answer(err)
}
