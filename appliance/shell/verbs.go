package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
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

// number reads the word at place i, or returns else.
func number(words []word, i, other int) (int, error) {
	if i >= len(words) {
		return other, nil
	}
	n, err := strconv.Atoi(words[i].text)
	if err != nil || n < 0 {
		return 0, &xapi.WordError{Word: clip(words[i].text), Why: "is not a revision's number; history lists them"}
	}
	return n, nil
}

const shownRevisions = 20

func (t *turn) revisions(_ context.Context, words []word) int {
	n, err := number(words, 0, shownRevisions)
	if err != nil {
		return t.wrong(err)
	}
	entries, err := t.b.Config().Journal(n)
	if err != nil {
		return t.wrong(err)
	}
	for i := len(entries) - 1; i >= 0; i-- { // oldest first: the newest stands above the prompt
		t.revision(entries[i])
	}
	return t.answer(nil)
}

func (t *turn) revision(e config.Entry) {
	who := e.Who.User
	if e.Who.From != "" {
		who += " from " + e.Who.From
	}
	note := ""
	if e.Note != "" {
		note = ", " + e.Note
	}
	t.printf("%d: %s by %s%s\n", e.Rev, e.When.Format("2006-01-02 15:04:05"), who, note)
	const most = 10
	for i, c := range e.Changes {
		if i == most {
			t.printf("  and %d more: diff %d %d\n", len(e.Changes)-most, e.Rev-1, e.Rev)
			break
		}
		t.change("  ", c)
	}
}

func (t *turn) change(indent string, c config.Change) {
	if c.WasSet {
		t.printf("%s- %s: %s\n", indent, c.Path, xapi.Quote(c.Before))
	}
	if c.IsSet {
		t.printf("%s+ %s: %s\n", indent, c.Path, xapi.Quote(c.After))
	}
}

// diff compares the newest revision with the one before, or with those named.
func (t *turn) diff(_ context.Context, words []word) int {
	newest := t.b.Config().Snapshot().Rev()
	from, err := number(words, 0, max(0, newest-1))
	if err != nil {
		return t.wrong(err)
	}
	to, err := number(words, 1, newest)
	if err != nil {
		return t.wrong(err)
	}
	changes, err := t.b.Config().Diff(from, to)
	for _, c := range changes {
		t.change("", c)
	}
	if err == nil && len(changes) == 0 {
		t.printf("Revisions %d and %d are the same.\n", from, to)
	}
	return t.answer(err)
}

func (t *turn) rollback(_ context.Context, words []word) int {
	if len(words) == 0 {
		return t.wrong(usageError("rollback needs the number of the revision to go back to; history lists them"))
	}
	rev, err := number(words, 0, 0)
	if err != nil {
		return t.wrong(err)
	}
	c, err := t.b.Config().Rollback(rev, t.who)
	if err != nil {
		return t.wrong(err)
	}
	for _, ch := range c.Changes {
		t.change("", ch)
	}
	t.waits(c)
	return t.answer(nil)
}

func (t *turn) confirm(context.Context, []word) int {
	_, err := t.b.Config().Confirm(t.who)
	return t.answer(err)
}

func (t *turn) export(_ context.Context, words []word) int {
	if len(words) == 0 {
		if err := buffered(t.w, t.b.Config().Export); err != nil {
			return t.wrong(err)
		}
		return t.answer(nil)
	}
	err := t.inFolder(words[0].text, func(root *os.Root) error {
		f, err := root.OpenFile(words[0].text, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fileError(words[0].text, err)
		}
		return errors.Join(t.b.Config().Export(f), f.Close())
	})
	return t.answer(err)
}

// inFolder opens the file folder, out of which no name leads.
func (t *turn) inFolder(name string, f func(*os.Root) error) error {
	switch {
	case t.b.Folder() == "":
		return errors.New("this node has no file folder")
	case strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, "."):
		return usageError(fmt.Sprintf("%q is not a plain file name, as sftp shows them", clip(name)))
	}
	root, err := os.OpenRoot(t.b.Folder())
	if err != nil {
		return err
	}
	return errors.Join(f(root), root.Close())
}

// fileError says what is wrong with a file without telling where the folder is.
func fileError(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("file %q: %w; sftp shows what is there", clip(name), err)
}

// importLines takes lines from a file of the folder, or those that follow the
// line: on a terminal up to a line that is a dot, else to the end of the input.
func (t *turn) importLines(_ context.Context, words []word) int {
	mode, file := config.GoodLines, ""
	for _, w := range words {
		switch {
		case w.quoted || !strings.HasPrefix(w.text, "-") || w.text == "-":
			file = w.text
		case w.text == "-all":
			mode = config.AllOrNothing
		case w.text == "-dry":
			mode = config.DryRun
		default:
			return t.wrong(&xapi.WordError{Word: clip(w.text), Why: "is not an option of import", Allowed: []string{"-all", "-dry"}})
		}
	}
	if file == "" || file == "-" {
		if t.more == nil {
			return t.wrong(usageError("import needs the name of a file in the folder"))
		}
		if t.ask != nil {
			t.printf("Paste the lines; a line with a dot alone ends them.\n")
		}
		return t.take(t.more, mode)
	}
	exit := Failed
	err := t.inFolder(file, func(root *os.Root) error {
		f, err := root.Open(file)
		if err != nil {
			return fileError(file, err)
		}
		exit = t.take(f, mode)
		return f.Close()
	})
	if err != nil {
		return t.wrong(err)
	}
	return exit
}

// take imports and reports: each line that was not simply taken, and the sums.
func (t *turn) take(r io.Reader, mode config.ImportMode) int {
	rep, err := t.b.Config().Import(r, t.who, mode)
	if err != nil {
		return t.wrong(err)
	}
	for _, l := range rep.Lines {
		if l.Verdict > config.Same {
			t.printf("line %d: %s: %s\n", l.Number, printable(l.Path), describe(l))
		}
	}
	t.sums(rep)
	switch {
	case rep.Error != nil:
		return t.wrong(rep.Error)
	case mode == config.AllOrNothing && rep.Count(config.Refused) > 0:
		return t.wrong(errors.New("nothing was changed, because of the lines refused"))
	case mode == config.DryRun:
		t.printf("Nothing was changed: -dry only tries.\n")
	}
	return t.answer(nil)
}

func (t *turn) sums(rep *config.Report) {
	text := fmt.Sprintf("%d taken", rep.Count(config.Taken))
	for _, c := range []struct {
		verdict config.Verdict
		what    string
	}{
		{config.Same, "unchanged"}, {config.NotNeeded, "not needed here"}, {config.NotHere, "of the other role"},
		{config.Foreign, "passwords to type anew"}, {config.Refused, "refused"},
	} {
		if n := rep.Count(c.verdict); n > 0 {
			text += fmt.Sprintf(", %d %s", n, c.what)
		}
	}
	t.printf("%s\n", text)
}

func describe(l config.ReportLine) string {
	if l.Verdict == config.NotNeeded {
		return "known, not needed here: " + l.Why
	}
	return strings.TrimPrefix(l.Why, l.Path+": ")
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
	if t.ask != nil {
		t.printf("Tracing %s until %s; Ctrl-C ends it.\n", user, t.now().Add(d).Format("15:04:05"))
	}
	if err = t.b.Trace(ctx, user, d, t.w); ctx.Err() != nil {
		err = nil // the administrator has seen enough
	}
	return t.answer(err)
}
