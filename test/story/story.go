// Package story runs txtar scripts written in the shell's own language: what an
// operator types on named nodes, what clients do, and what must come of it. It
// knows no node and no client; a test registers them. The shell's golden
// transcripts and the lab's stories use it.
//
// A script is the comment of a txtar archive:
//
//	# a comment
//	edge> xStatus Zones             one line on the shell of the node edge
//	*s Zones: /                     what it must answer, line by line
//	*s/end
//	OK
//	* core> xStatus Registrations   the same, tried until it fits or time is over
//	...
//	phone alice register            a verb of the test, with its answer below
//	! edge> xCommand Nonsense       it must fail; without "!" it must not
//	...
//
// An answer goes up to the next step. A step is a line that begins with a node's
// name and "> ", with a verb's name and a blank, or with "#", "* " or "! ". With
// no answer below it, only the exit counts. In an answer a line is literal but
// for placeholders:
//
//	...              any lines, also none (alone on its line)
//	<*>              anything within a line
//	<number>         digits
//	<time>           a date and time
//	<name=regexp>    what fits the expression; the same name again must be the same text
//
// An answer line that would be taken for a step, or is empty at the end, is
// written with a leading "|", which is taken off.
//
// Files of the archive are the script's: a verb reads them by name. -update
// rewrites the answers that do not fit.
package story

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"
)

// Execer runs one line of a node's shell. *shell.Session is one.
type Execer interface {
	Exec(ctx context.Context, line string, out io.Writer) (exit int)
}

// Verb does what a client does: it returns what is to be compared. An error
// makes the step fail.
type Verb func(ctx context.Context, s *Script, args []string) (string, error)

// Engine is what a script can speak to.
type Engine struct {
	Nodes  map[string]Execer
	Verbs  map[string]Verb
	Within time.Duration // for steps with "*"; zero: 20 s
	Every  time.Duration // between two tries; zero: 50 ms
}

// Script is one story being told.
type Script struct {
	Name  string
	Files map[string][]byte
	Seen  map[string]string // what named placeholders stand for

	steps []step
}

const (
	within = 20 * time.Second
	every  = 50 * time.Millisecond
)

// Run tells the story in text. It returns the text as it would have to be for
// every answer to fit, and the first step that did not.
func (e *Engine) Run(ctx context.Context, name string, text []byte) (updated []byte, err error) {
	ar := txtar.Parse(text)
	s := &Script{Name: name, Files: map[string][]byte{}, Seen: map[string]string{}}
	for _, f := range ar.Files {
		s.Files[f.Name] = f.Data
	}
	if s.steps, err = e.parse(string(ar.Comment)); err != nil {
		return text, fmt.Errorf("%s: %w", name, err)
	}
	for i := range s.steps {
		if serr := e.step(ctx, s, &s.steps[i]); serr != nil && err == nil {
			err = fmt.Errorf("%s:%d: %w", name, s.steps[i].number, serr)
		}
	}
	ar.Comment = print(s.steps, e)
	return txtar.Format(ar), err
}

// step runs one step and compares. A step with "*" is tried until it fits.
func (e *Engine) step(ctx context.Context, s *Script, st *step) error {
	if st.line == "" {
		return nil
	}
	if !st.retry {
		got, err := e.try(ctx, s, st)
		return st.judge(s, got, err)
	}
	ctx, cancel := context.WithTimeout(ctx, or(e.Within, within))
	defer cancel()
	tick := time.NewTicker(or(e.Every, every))
	defer tick.Stop()
	for {
		got, err := e.try(ctx, s, st)
		bad := st.judge(s, got, err)
		if bad == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("not within %v: %w", or(e.Within, within), bad)
		}
	}
}

func or(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

// try runs the step once and returns what it answered.
func (e *Engine) try(ctx context.Context, s *Script, st *step) (string, error) {
	if node := e.Nodes[st.node]; node != nil {
		var out bytes.Buffer
		if exit := node.Exec(ctx, st.line, &out); exit != 0 {
			return out.String(), fmt.Errorf("exit %d", exit)
		}
		return out.String(), nil
	}
	args := fields(st.line)
	return e.Verbs[args[0]](ctx, s, args[1:])
}

// fields splits at blanks outside of double quotes.
func fields(line string) (args []string) {
	var b strings.Builder
	quoted, any := false, false
	for _, r := range line {
		switch {
		case r == '"':
			quoted, any = !quoted, true
		case (r == ' ' || r == '\t') && !quoted:
			if any {
				args = append(args, b.String())
			}
			b.Reset()
			any = false
		default:
			b.WriteRune(r)
			any = true
		}
	}
	if any {
		args = append(args, b.String())
	}
	return args
}

// judge compares what came with what was to come.
func (st *step) judge(s *Script, got string, err error) error {
	st.got = got
	switch {
	case err != nil && !st.fails:
		return fmt.Errorf("%s\nfailed: %w\n%s", st.line, err, got)
	case err == nil && st.fails:
		return fmt.Errorf("%s\nwent well, but must not:\n%s", st.line, got)
	case len(st.want) == 0:
		return nil
	}
	seen, bad := match(st.want, lines(got), s.Seen)
	if bad != nil {
		return fmt.Errorf("%s\n%w", st.line, bad)
	}
	s.Seen, st.fits = seen, true
	return nil
}

// lines splits text without the end of its last line.
func lines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}

// File tells the story in a file of the test's testdata, or rewrites its answers.
func (e *Engine) File(t testing.TB, name string, update bool) {
	t.Helper()
	tell(t, e, name, update)
}
