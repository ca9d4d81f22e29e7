package shell

import (
	"context"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// branch reads a place in the configuration as feedback names it, such as
// Zones/Zone/1.
func (s *Session) branch(path string) (step, error) {
	var words []word
	for _, w := range strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == ' ' }) {
		words = append(words, word{text: w})
	}
	req, err := parsePath(s.tree, words)
	if err == nil && len(req.settings) > 0 {
		err = usageError("feedback takes a path, no value")
	}
	return step{req.at, req.idx}, err
}

// watch listens for values at and below a place that change from now on. The
// feed tells of each as a line that can be pasted back; what is not set any more
// shows its default, or nothing.
func (s *Session) watch(at step) (feed func(context.Context, func(string))) {
	store := s.b.Config()
	w := store.Watch()
	before, _ := shown(store.Snapshot(), at)
	return func(ctx context.Context, tell func(string)) {
		defer w.Close()
		for {
			select {
			case <-ctx.Done():
				return
			case <-w.C():
			}
			now, order := shown(store.Snapshot(), at)
			if text := changes(before, now, order); text != "" {
				tell(text)
			}
			before = now
		}
	}
}

// shown are the texts at and below a place by path, and the paths in order.
func shown(sn *config.Snapshot, at step) (texts map[string]string, order []string) {
	texts = map[string]string{}
	visit(sn, at.at, at.idx, false, func(p xapi.Place, _ bool) {
		texts[p.String()] = sn.Text(p.Item, p.Idx...)
		order = append(order, p.String())
	})
	return texts, order
}

func changes(before, now map[string]string, order []string) string {
	var b strings.Builder
	p := &printer{w: &b}
	for _, path := range order {
		if was, there := before[path]; was != now[path] || !there && now[path] != "" {
			p.value(path, now[path])
		}
	}
	for path, was := range before {
		if _, there := now[path]; !there && was != "" {
			p.value(path, "")
		}
	}
	return b.String()
}
