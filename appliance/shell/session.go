package shell

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Options of a session.
type Options struct {
	Who config.Who

	// Confirm is how long a change that may cut this session off waits for the
	// verb confirm before it is taken back. Zero: such changes hold at once, as
	// on the console.
	Confirm time.Duration

	Now func() time.Time // nil: time.Now
}

// Session is one administrator's shell. Exec, Once, Script and Interact run
// lines, one caller at a time; Interrupt, SetSize and the feedback may come at
// any time from any goroutine. Close it when it is no longer used.
type Session struct {
	b     Backend
	who   config.Who
	limit time.Duration
	now   func() time.Time

	tree   *xapi.Word // rows of this role
	both   *xapi.Word // rows of either
	absent *xapi.Word // rows of the replaced product that we lack
	verbs  *xapi.Word // first words

	work  sync.WaitGroup // feedback and the key reader
	feeds feeds

	mu     sync.Mutex
	cancel context.CancelFunc // of the line that runs
	reads  bool               // the line that runs reads the terminal
	size   func(width, height int)
	width  int
	height int
	done   bool   // exit was typed
	holder uint64 // what config.Store.Hold returned; 0: safe mode is off
}

// New starts a session. It starts no goroutine.
func New(b Backend, o Options) *Session {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Session{
		b: b, who: o.Who, limit: o.Confirm, now: o.Now,
		tree: b.Config().Tree(), both: xapi.Tree(xapi.Both), absent: xapi.AbsentTree(),
		verbs: &xapi.Word{},
	}
	for _, v := range verbTable() {
		s.verbs.Children = append(s.verbs.Children, &xapi.Word{Segment: xapi.Segment{Word: v.name}})
	}
	return s
}

// Close ends the feedback, takes back what safe mode holds, and waits for all
// that the session started. What the session reads from must be closed by then.
func (s *Session) Close() {
	s.feeds.drop(0)
	_, _ = s.release() // what cannot go back now does when the node starts anew
	s.work.Wait()
}

// Interrupt is Ctrl-C: it ends the line that runs, never the session.
func (s *Session) Interrupt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cancel != nil {
		s.cancel()
	}
}

// SetSize follows the client's window.
func (s *Session) SetSize(width, height int) {
	s.mu.Lock()
	s.width, s.height = width, height
	size := s.size
	s.mu.Unlock()
	if size != nil && width > 0 && height > 0 {
		size(width, height)
	}
}

// Exec runs one line and writes its answer, behind the events that came since
// the last line. It returns the exit code.
func (s *Session) Exec(ctx context.Context, line string, out io.Writer) (exit int) {
	s.feeds.flush(out)
	return s.run(ctx, line, &turn{Session: s, printer: &printer{w: out}})
}

// Once is Exec for a session of one line. What in holds is what an import reads;
// feedback goes on until ctx ends. A line that holds several is run as a script.
func (s *Session) Once(ctx context.Context, line string, in io.Reader, out io.Writer) (exit int) {
	ctx, end := s.started(ctx)
	defer end()
	if strings.Contains(line, "\n") {
		return s.Script(ctx, strings.NewReader(line), out)
	}
	exit = s.run(ctx, line, &turn{Session: s, printer: &printer{w: out}, more: in, stream: in})
	if s.feeds.any() {
		s.feeds.follow(ctx, out)
	}
	return exit
}

// Script runs the lines of in until it ends or exit is read. It returns the exit
// code of the last line that did not end with OK, so that a script's caller
// learns of any.
func (s *Session) Script(ctx context.Context, in io.Reader, out io.Writer) (exit int) {
	lines := newLines(in)
	for !s.over() && ctx.Err() == nil {
		line, err := lines.next()
		if err != nil {
			break
		}
		s.feeds.flush(out)
		t := &turn{Session: s, printer: &printer{w: out}, more: untilDot{lines}.reader()}
		if code := s.run(ctx, line, t); code != Done {
			exit = code
		}
	}
	return exit
}

func (s *Session) over() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.done
}

// turn is one line being run.
type turn struct {
	*Session
	*printer
	ask  func(question string) bool // nil: nobody can be asked
	more io.Reader                  // what follows the line; nil: nothing does

	stream io.Reader // the same where it may be bytes of any kind, else nil
}

// started makes the context of one line, which Interrupt ends.
func (s *Session) started(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	s.mu.Lock()
	s.cancel = cancel
	s.mu.Unlock()
	return ctx, func() {
		s.mu.Lock()
		s.cancel = nil
		s.mu.Unlock()
		cancel()
	}
}

func (s *Session) run(ctx context.Context, line string, t *turn) int {
	line = strings.TrimPrefix(strings.TrimSpace(line), "*c ")
	if quiet(line) {
		return Done
	}
	words, err := lex(line)
	if err != nil {
		return t.wrong(err)
	}
	if words[0].text == "?" || words[0].text == "??" {
		return t.overview()
	}
	v, err := s.verb(words[0])
	if err != nil {
		return t.wrong(err)
	}
	return v.run(t, ctx, words[1:])
}

// quiet lines say nothing; they stand in what people paste.
func quiet(line string) bool {
	return line == "" || line[0] == '#' || line == "OK" || line == "*c/end"
}

// verb is a first word and what it does.
type verb struct {
	name string
	use  string // what follows it, for the overview
	help string
	run  func(t *turn, ctx context.Context, words []word) int
}

func (s *Session) verb(w word) (verb, error) {
	at, _, err := s.verbs.Child(strings.TrimSuffix(w.text, "?"))
	if err == nil {
		all := verbTable()
		return all[slices.IndexFunc(all, func(v verb) bool { return v.name == at.Word })], nil
	}
	var e *xapi.WordError
	if errors.As(err, &e) && len(e.Allowed) == len(s.verbs.Children) {
		why := "is not a command; type ? for the list"
		if e.Nearest != "" {
			why = "is not a command; did you mean " + e.Nearest + "? Type ? for the list"
		}
		return verb{}, &xapi.WordError{Word: clip(e.Word), Why: why}
	}
	return verb{}, err
}

func clip(s string) string {
	if len(s) > 40 {
		return s[:40] + "…"
	}
	return s
}

// buffered runs f on a buffer and then writes all of it, so that an answer is
// not mixed with events.
func buffered(w io.Writer, f func(io.Writer) error) error {
	var b bytes.Buffer
	err := f(&b)
	w.Write(b.Bytes())
	return err
}
