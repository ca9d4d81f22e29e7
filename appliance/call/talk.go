package call

import (
	"time"

	"sallyport/appliance/media"
	"sallyport/appliance/sdp"
)

// Line is what a role remembers of one m-line.
type Line interface {
	On() bool // it is a stream that we relay
	Plain() media.Line
}

// Stream is a relayed stream of either role.
type Stream interface {
	Close()
	V6() bool
}

// Talk is where offer and answer of one call stand, and the streams that were
// opened for them, by m-line. A role embeds it in its own kind of call, and the
// Media that the call belongs to locks it.
type Talk[L Line, S Stream] struct {
	Session  *media.Session
	Began    time.Time
	Streams  map[int]S
	Exchange media.Exchange[[]L]
	of       media.ExchangeID // what the description is part of that is just taken
}

// NewTalk is one in which nothing was said yet.
func NewTalk[L Line, S Stream](began time.Time) Talk[L, S] {
	return Talk[L, S]{Began: began, Streams: map[int]S{}}
}

// Begin implements Party.
func (t *Talk[L, S]) Begin(s *media.Session) { t.Session = s }

// Turn implements Party.
func (t *Talk[L, S]) Turn(from media.Side, kind media.Kind, of media.ExchangeID) bool {
	t.of = of
	return !t.Exchange.Overtaken(from, kind, of)
}

// Pending implements Party.
func (t *Talk[L, S]) Pending(from media.Side) bool { return t.Exchange.Pending(from) }

// Settled implements Party.
func (t *Talk[L, S]) Settled() bool { return t.Exchange.Settled() }

// Check holds a description against what came before it.
func (t *Talk[L, S]) Check(from media.Side, kind media.Kind, lines []L) error {
	var err error
	if kind == media.Answer {
		offer, ok := t.Exchange.Offered(from)
		if !ok {
			return withoutOffer()
		}
		err = sdp.CheckAnswer(mLines(offer), mLines(lines))
	} else if before, ok := t.Exchange.Holds(from); ok && t.Exchange.Settled() {
		err = sdp.CheckReoffer(mLines(before), mLines(lines))
	}
	if err != nil {
		return &media.Refused{Status: 488, Reason: err.Error()}
	}
	return nil
}

func withoutOffer() error {
	return &media.Refused{Status: 488, Reason: "Answer without an offer"}
}

// mLines are the m= lines as they were passed on.
func mLines[L Line](lines []L) []sdp.MLine {
	all := make([]sdp.MLine, len(lines))
	for i, l := range lines {
		all[i] = l.Plain().M
	}
	return all
}

// Plain is what media needs to know of lines.
func Plain[L Line](lines []L) []media.Line {
	all := make([]media.Line, len(lines))
	for i, l := range lines {
		all[i] = l.Plain()
	}
	return all
}

// At is line i, or none.
func At[L Line](lines []L, i int) (l L) {
	if i < len(lines) {
		return lines[i]
	}
	return l
}

// Open gives every relayed line that has no stream yet its own. If one cannot
// be had, those that were opened for this description are closed again.
func (t *Talk[L, S]) Open(lines []L, open func(i int, l L) (S, error)) (opened []int, err error) {
	for i, l := range lines {
		if _, has := t.Streams[i]; has || !l.On() {
			continue
		}
		s, err := open(i, l)
		if err != nil {
			t.Close(opened)
			return nil, err
		}
		t.Streams[i] = s
		opened = append(opened, i)
	}
	return opened, nil
}

// Close ends streams.
func (t *Talk[L, S]) Close(indexes []int) {
	for _, i := range indexes {
		if s, has := t.Streams[i]; has {
			s.Close()
			delete(t.Streams, i)
		}
	}
}

// Take files a description and makes what is settled real: set is told each
// stream's two lines once there is an answer, or for the first offer as far as
// it goes. On an error the streams in opened are closed again. An offer that comes
// again after it was answered is filed no more.
func (t *Talk[L, S]) Take(from media.Side, kind media.Kind, lines []L, opened []int, set func(i int, s S, client, uc L) error) error {
	switch {
	case kind == media.Answer:
		t.Exchange.Answer(from, t.of, lines)
	case t.Exchange.Answered(from, t.of):
		t.Close(opened)
		return nil
	default:
		if t.Exchange.Offer(from, t.of, lines); t.Exchange.Settled() {
			return nil
		}
	}
	client, _ := t.Exchange.Holds(media.ClientSide)
	uc, _ := t.Exchange.Holds(media.UCSide)
	for i, s := range t.Streams {
		if err := set(i, s, At(client, i), At(uc, i)); err != nil {
			t.Close(opened)
			return media.NoRoom(err)
		}
	}
	if kind == media.Answer {
		offer, _ := t.Exchange.Holds(t.Exchange.Offerer())
		t.closeUnless(func(i int) bool { return At(offer, i).On() })
	}
	return nil
}

// Flows tells which way a stream's media goes by its two lines. Before there is
// an answer neither side owes any.
func (t *Talk[L, S]) Flows(client, uc L) (fromClient, fromUC bool) {
	if !t.Exchange.Settled() || !client.On() || !uc.On() {
		return false, false
	}
	c, u := client.Plain().Dir, uc.Plain().Dir
	return c.Sends() && u.Receives(), u.Sends() && c.Receives()
}

// Rollback implements Party: offers that wait are forgotten, and of a settled
// call the streams that only they wanted.
func (t *Talk[L, S]) Rollback(of media.ExchangeID) {
	t.Exchange.Rollback(of)
	if !t.Exchange.Settled() {
		return
	}
	client, _ := t.Exchange.Holds(media.ClientSide)
	uc, _ := t.Exchange.Holds(media.UCSide)
	t.closeUnless(func(i int) bool { return At(client, i).On() || At(uc, i).On() })
}

// closeUnless closes the streams that are not wanted, nor by an offer that waits.
func (t *Talk[L, S]) closeUnless(wanted func(i int) bool) {
	client, _ := t.Exchange.Waiting(media.ClientSide)
	uc, _ := t.Exchange.Waiting(media.UCSide)
	for i := range t.Streams {
		if !wanted(i) && !At(client, i).On() && !At(uc, i).On() {
			t.Close([]int{i})
		}
	}
}
