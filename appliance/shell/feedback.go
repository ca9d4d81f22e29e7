package shell

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"

	"sallyport/appliance/xapi"
)

const (
	maxFeeds  = 15  // expressions of one session
	maxEvents = 100 // that wait for a session without a terminal; then the oldest go
)

// feeds are the feedback registrations of one session. Events are written at
// once where there is somebody to see them (write is set), and wait for the next
// answer elsewhere.
type feeds struct {
	mu    sync.Mutex // guards all below
	list  []feed
	last  int
	write func(string)
	wait  []string
	news  chan struct{} // set by follow
}

type feed struct {
	id         int
	expression string
	cancel     context.CancelFunc
}

// feedback is the verb xFeedback.
func (t *turn) feedback(_ context.Context, words []word) int {
	if len(words) == 0 || words[0].text == "?" {
		return t.feedbackHelp()
	}
	what, err := pick(words[0].text, []string{"register", "deregister", "list"})
	if err != nil {
		return t.wrong(err)
	}
	switch {
	case what == "list":
		for _, f := range t.feeds.all() {
			t.printf("*xf %d %s\n", f.id, f.expression)
		}
	case len(words) != 2:
		return t.wrong(usageError("xFeedback " + what + " needs one word behind it, such as " +
			map[string]string{"register": "/Status/Calls", "deregister": "1, or 0 for all"}[what]))
	case what == "register":
		err = t.register(words[1].text)
	default:
		err = t.deregister(words[1].text)
	}
	if err != nil {
		return t.wrong(err)
	}
	t.printf(okLine)
	return Done
}

// expression spells an expression as the tables do.
func (s *Session) expression(text string) (string, error) {
	root, rest, _ := strings.Cut(strings.Trim(text, "/"), "/")
	root, err := pick(root, []string{"Configuration", "Event", "Status"})
	switch {
	case err != nil:
		return "", err
	case root == "Configuration":
		at, err := s.branch(rest)
		return strings.TrimSuffix(root+"/"+strings.ReplaceAll(pathOf(at), " ", "/"), "/"), err
	}
	names := eventNames()
	if root == "Status" {
		names = elements(s.b.Role())
	}
	name, below, _ := strings.Cut(rest, "/")
	if name, err = pick(name, names); err != nil {
		return "", err
	}
	if below != "" {
		return "", usageError(fmt.Sprintf("feedback is given by whole elements: /%s/%s", root, name))
	}
	return root + "/" + name, nil
}

// register starts a feed. It lives as long as the session, not as the line.
func (s *Session) register(text string) error {
	expression, err := s.expression(text)
	if err != nil {
		return err
	}
	if all := s.feeds.all(); len(all) >= maxFeeds {
		return fmt.Errorf("%d expressions are registered already; deregister one", maxFeeds)
	} else if slices.ContainsFunc(all, func(f feed) bool { return f.expression == expression }) {
		return nil
	}
	run, err := s.feed(expression)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	id := s.feeds.add(expression, cancel)
	s.work.Go(func() { run(ctx, func(text string) { s.feeds.tell(id, text) }) })
	return nil
}

// feed is what tells of an expression, in the words that the session shows.
func (s *Session) feed(expression string) (run func(context.Context, func(string)), err error) {
	if path, ok := strings.CutPrefix(expression, "Configuration"); ok {
		at, err := s.branch(strings.TrimPrefix(path, "/"))
		if err != nil {
			return nil, err
		}
		return s.watch(at), nil
	}
	feed, err := s.b.Feedback(expression)
	return func(ctx context.Context, tell func(string)) {
		feed(ctx, func(e Event) { tell(blockOf(e)) })
	}, err
}

func blockOf(e Event) string {
	var b strings.Builder
	letter := byte('e')
	if e.Status {
		letter = 's'
	}
	(&printer{w: &b}).block(letter, e.Node)
	return b.String()
}

func (s *Session) deregister(text string) error {
	id, err := strconv.Atoi(text)
	if err != nil || id < 0 {
		return &xapi.WordError{Word: clip(text), Why: "is not a number; xFeedback list shows them, 0 is all"}
	}
	if !s.feeds.drop(id) && id != 0 {
		return fmt.Errorf("no expression is registered as %d; xFeedback list shows them", id)
	}
	return nil
}

func (f *feeds) all() []feed {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.list)
}

func (f *feeds) any() bool { return len(f.all()) > 0 }

func (f *feeds) add(expression string, cancel context.CancelFunc) (id int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last++
	f.list = append(f.list, feed{f.last, expression, cancel})
	return f.last
}

// drop ends the feed id, or all for 0.
func (f *feeds) drop(id int) (found bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = slices.DeleteFunc(f.list, func(x feed) bool {
		if id == 0 || x.id == id {
			x.cancel()
			found = true
		}
		return id == 0 || x.id == id
	})
	return found
}

// tell writes an event, or lets it wait. One that was on its way when its feed
// was deregistered is dropped.
func (f *feeds) tell(id int, text string) {
	f.mu.Lock()
	if !slices.ContainsFunc(f.list, func(x feed) bool { return x.id == id }) {
		f.mu.Unlock()
		return
	}
	write := f.write
	if write == nil {
		f.wait = append(f.wait, text)
		f.wait = f.wait[max(0, len(f.wait)-maxEvents):]
		f.signalLocked()
	}
	f.mu.Unlock()
	if write != nil {
		write(text)
	}
}

func (f *feeds) signalLocked() {
	if f.news != nil {
		select {
		case f.news <- struct{}{}:
		default:
		}
	}
}

// live sets who writes events at once; nil: they wait.
func (f *feeds) live(write func(string)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.write = write
}

// flush writes the events that wait.
func (f *feeds) flush(w io.Writer) error {
	f.mu.Lock()
	wait := f.wait
	f.wait = nil
	f.mu.Unlock()
	if len(wait) == 0 {
		return nil
	}
	_, err := io.WriteString(w, strings.Join(wait, ""))
	return err
}

// follow writes events as they come until ctx ends or w is gone.
func (f *feeds) follow(ctx context.Context, w io.Writer) {
	f.mu.Lock()
	f.news = make(chan struct{}, 1)
	f.mu.Unlock()
	for f.flush(w) == nil {
		select {
		case <-f.news:
		case <-ctx.Done():
			return
		}
	}
}
