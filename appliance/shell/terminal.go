package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"golang.org/x/term"
)

// editor is the line editor of one terminal.
type editor struct {
	*Session
	term  *term.Terminal
	plain bool // no completion: an answer or pasted lines are read
	asked string
}

// Interact runs a terminal until exit, the end of the input or of ctx. When it
// has returned, rw may still be being read: close rw, then call Close.
func (s *Session) Interact(ctx context.Context, rw io.ReadWriter) (exit int) {
	k := newKeys(ctx, s.interruptRunning)
	s.work.Go(func() { k.pump(rw) })
	e := &editor{Session: s}
	e.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k, rw}, "")
	e.term.AutoCompleteCallback = e.key
	e.term.History = &lineHistory{keep: func() bool { return !e.plain }, mask: s.Mask}
	e.resizable()
	e.term.SetBracketedPasteMode(true)
	defer e.term.SetBracketedPasteMode(false)
	s.feeds.live(func(text string) { io.WriteString(e.term, text) })
	defer s.feeds.live(nil)
	e.greet()
	for !s.over() && ctx.Err() == nil {
		line, err := e.line(e.prompt())
		if err != nil {
			fmt.Fprintln(e.term)
			break
		}
		e.run(ctx, line)
	}
	return Done
}

// interruptRunning is Ctrl-C on the terminal. It reports whether a command runs
// that does not read the terminal itself; else the line being read is cleared.
func (s *Session) interruptRunning() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel == nil {
		return false
	}
	s.cancel()
	return !s.reads
}

func (s *Session) reading(is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = is
}

// resizable takes the size that came before the editor, and those that follow.
func (e *editor) resizable() {
	e.mu.Lock()
	width, height := e.width, e.height
	e.size = func(w, h int) { e.term.SetSize(w, h) }
	e.mu.Unlock()
	e.SetSize(width, height)
}

func (e *editor) prompt() string {
	switch p := e.b.Config().Pending(); {
	case p != nil && e.holds():
		return e.b.NodeName() + " (safe)> "
	case p != nil:
		return e.b.NodeName() + " (confirm?)> "
	}
	return e.b.NodeName() + "> "
}

// greet says in one line where one is, and in a second one what is wrong.
func (e *editor) greet() {
	fmt.Fprintf(e.term, "%s (%s), revision %d. Type ? for help.\n", e.b.NodeName(), e.b.Role(), e.b.Config().Snapshot().Rev())
	switch n := len(e.b.Alarms()); n {
	case 0:
	case 1:
		fmt.Fprintln(e.term, "One alarm is raised: xStatus Alarm")
	default:
		fmt.Fprintf(e.term, "%d alarms are raised: xStatus Alarm\n", n)
	}
}

// line reads one line. Pasted lines are lines.
func (e *editor) line(prompt string) (string, error) {
	e.term.SetPrompt(prompt)
	line, err := e.term.ReadLine()
	if errors.Is(err, term.ErrPasteIndicator) {
		err = nil
	}
	return line, err
}

func (e *editor) run(ctx context.Context, line string) {
	ctx, end := e.started(ctx)
	defer end()
	t := &turn{Session: e.Session, printer: &printer{w: e.term}, ask: e.ask, more: untilDot{pasted{e, ctx}}.reader()}
	e.Session.run(ctx, line, t)
}

// extra reads a line that is no command.
func (e *editor) extra(prompt string) (string, error) {
	e.plain = true
	e.reading(true)
	defer func() {
		e.plain = false
		e.reading(false)
	}()
	return e.line(prompt)
}

// ask asks for a yes.
func (e *editor) ask(question string) bool {
	answer, err := e.extra(question + " (y/n) ")
	answer = strings.ToLower(strings.TrimSpace(answer))
	return err == nil && (answer == "y" || answer == "yes")
}

// pasted are the lines behind import. Ctrl-C among them is an error, so that
// half of them is not taken for all.
type pasted struct {
	e   *editor
	ctx context.Context
}

func (p pasted) next() (string, error) {
	line, err := p.e.extra("")
	return line, errors.Join(err, p.ctx.Err())
}

const tab = '\t'

// key is called for each key that the editor has no use for. Help is written
// above the line, which the editor then prints anew.
func (e *editor) key(line string, pos int, key rune) (string, int, bool) {
	if e.plain || key != tab && key != '?' {
		return "", 0, false
	}
	before := line[:pos]
	if key == '?' {
		return e.help(line, before, pos)
	}
	e.asked = ""
	c := e.complete(before)
	text := common(c.choices)
	if len(c.choices) == 1 || len(text) > len(before)-c.start {
		if partial := before[c.start:]; text != "" && prefixFold(text, partial) {
			return before[:c.start] + text + line[pos:], c.start + len(text), true
		}
	}
	e.list(c)
	return line, pos, true
}

// help answers "?": what may stand here; asked again, the full usage of what
// stands before. Inside quotes and behind // it is a character like others.
func (e *editor) help(line, before string, pos int) (string, int, bool) {
	if _, last, _, quoted := cut(before); quoted || strings.HasPrefix(last, "//") {
		return "", 0, false
	}
	if e.asked == before && before != "" {
		e.asked = ""
		var b strings.Builder
		t := &turn{Session: e.Session, printer: &printer{w: &b}}
		e.Session.run(context.Background(), before+" ?", t)
		io.WriteString(e.term, strings.TrimSuffix(b.String(), okLine))
		return line, pos, true
	}
	e.asked = before
	e.list(e.complete(before))
	return line, pos, true
}

// maxListed bounds a list on the screen.
const maxListed = 60

func (e *editor) list(c completion) {
	var b strings.Builder
	width := 0
	for _, x := range c.choices {
		width = max(width, min(36, len(x.label())))
	}
	for i, x := range c.choices {
		if i == maxListed {
			fmt.Fprintf(&b, "  … and %d more\n", len(c.choices)-maxListed)
			break
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-*s  %s", width, x.label(), x.help), " ") + "\n")
	}
	if len(c.choices) == 0 {
		b.WriteString("  nothing known may follow here\n")
	}
	io.WriteString(e.term, b.String())
}

func (c choice) label() string {
	if c.show != "" {
		return c.show
	}
	return strings.TrimSpace(c.text)
}

// lineHistory is what the arrow keys bring back: without passwords, empty lines
// and repetitions.
type lineHistory struct {
	keep  func() bool // answers and pasted lines are not commands
	mask  func(string) string
	lines []string
}

const maxHistory = 200

// Add keeps a line.
func (h *lineHistory) Add(line string) {
	line = h.mask(line)
	n := len(h.lines)
	if !h.keep() || strings.TrimSpace(line) == "" || n > 0 && h.lines[n-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	h.lines = h.lines[max(0, len(h.lines)-maxHistory):]
}

// Len is the number of lines kept.
func (h *lineHistory) Len() int { return len(h.lines) }

// At returns the line that is i older than the newest.
func (h *lineHistory) At(i int) string { return h.lines[len(h.lines)-1-i] }
