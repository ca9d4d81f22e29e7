package shell

import (
	"context"
	"strconv"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

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
	safe := t.holds()
	_, err := t.b.Config().Confirm(t.who)
	if err == nil && safe {
		err = t.hold()
	}
	return t.answer(err)
}
