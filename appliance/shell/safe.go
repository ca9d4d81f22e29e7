package shell

import (
	"context"
	"errors"
	"fmt"

	"sallyport/appliance/config"
)

// safe is the verb that binds changes to this session: what is changed while it
// is on goes back when the session ends, by whatever cause, and when the node
// starts anew, unless it was confirmed.
func (t *turn) safe(_ context.Context, words []word) int {
	if len(words) != 1 {
		return t.wrong(usageError("safe needs one word behind it: on, off or revert"))
	}
	what, err := pick(words[0].text, []string{"on", "off", "revert"})
	if err != nil {
		return t.wrong(err)
	}
	switch what {
	case "on":
		err = t.hold()
	case "off":
		err = t.letGo()
	default:
		err = t.takeBack()
	}
	return t.answer(err)
}

func (t *turn) hold() error {
	if t.holds() {
		return errors.New("safe mode is on already")
	}
	holder, err := t.b.Config().Hold(t.who)
	if err != nil {
		return err
	}
	t.mu.Lock()
	t.holder = holder
	t.mu.Unlock()
	t.printf("What is changed from now on goes back when this session ends, unless you type: confirm\n")
	return nil
}

// holds tells whether changes wait for this session.
func (s *Session) holds() bool {
	p := s.b.Config().Pending()
	s.mu.Lock()
	defer s.mu.Unlock()
	return p != nil && s.holder != 0 && p.Holder == s.holder
}

// letGo ends safe mode; there must be nothing that would be lost.
func (t *turn) letGo() error {
	p, holds := t.b.Config().Pending(), t.holds()
	if !holds {
		return errors.New("safe mode is not on in this session")
	}
	waiting, err := t.b.Config().Diff(p.Base, t.b.Config().Snapshot().Rev())
	if err != nil {
		return err
	}
	if len(waiting) > 0 {
		return fmt.Errorf("%d changes wait: confirm keeps them, safe revert takes them back", len(waiting))
	}
	return t.release()
}

func (t *turn) takeBack() error {
	if !t.holds() {
		return errors.New("safe mode is not on in this session")
	}
	return t.release()
}

func (t *turn) release() error {
	c, err := t.Session.release()
	if err == nil {
		for _, ch := range c.Changes {
			t.change("", ch)
		}
	}
	return err
}

// release takes back what waits for this session.
func (s *Session) release() (*config.Commit, error) {
	s.mu.Lock()
	holder := s.holder
	s.holder = 0
	s.mu.Unlock()
	return s.b.Config().Release(holder, s.who)
}
