package signaling

import (
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/sip"
)

// CallState is how far a call has come.
type CallState uint8

// A call is trying until its first 2xx.
const (
	Trying CallState = iota
	Connected
)

// String is the word that xStatus Calls shows.
func (s CallState) String() string {
	if s == Connected {
		return "Connected"
	}
	return "Trying"
}

// Call is what an operator wants to know of a call in progress.
type Call struct {
	Session   uint64 // the media session's id
	From, To  string // addresses of record as the INVITE has them
	CallID    string
	Trace     string
	Direction string // "inward" or "outward"
	State     CallState
	Since     time.Time
	Owner     uint64 // the binding or peer it belongs to
	Ended     time.Time
	Status    int       // the final answer of a call that was not taken; 0: it had none
	Recording Recording // what it is to a recording
	Joins     string    // Call-ID of the call that it records
}

// historySize is how many ended calls are remembered.
const historySize = 255

// Calls lists the calls in progress, for status and capacity. Routing never
// asks it: tokens in the messages do that. The zero value is not usable;
// NewCalls makes one. All methods may be called from any goroutine.
type Calls struct {
	clock  func() time.Time
	limit  int
	notify func(event string, call Call)

	perOwner int // most calls of one owner; 0: as many as there is room for

	mu     sync.Mutex
	calls  map[uint64]*Call
	owned  map[uint64]int // calls in progress by owner
	ended  []Call         // the newest; once full, a ring
	oldest int            // in ended, once it is full
	total  int
	peak   int
}

// NewCalls returns an empty list that takes at most limit calls. notify, which
// may be nil, is told outside of all locks: CallAttempt, CallConnected,
// CallDisconnected, CallFailure.
func NewCalls(clock func() time.Time, limit int, notify func(event string, call Call)) *Calls {
	if notify == nil {
		notify = func(string, Call) {}
	}
	return &Calls{clock: clock, limit: limit, notify: notify, calls: map[uint64]*Call{}, owned: map[uint64]int{}}
}

// LimitOwner bounds the calls of one owner, so that one user cannot take all
// the room there is. It is set before use.
func (c *Calls) LimitOwner(most int) { c.perOwner = most }

// Begin notes the call that the INVITE m starts. It reports false when the
// list is full, so that the role can refuse the call.
func (c *Calls) Begin(session uint64, m *sip.Message, trace, direction string, owner uint64) bool {
	call := Call{
		Session: session, From: address(m.Get("From")), To: address(m.Get("To")), CallID: strings.Clone(m.CallID()),
		Trace: trace, Direction: direction, Since: c.clock(), Owner: owner,
	}
	if direction == "outward" { // nobody outside opens one
		call.Recording = RecordingOf(m)
	}
	if call.Recording != NoRecording {
		call.Joins = joined(m)
	}
	known, room := c.file(call)
	if !known && room {
		c.notify("CallAttempt", call)
	}
	return known || room
}

func (c *Calls) file(call Call) (known, room bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known = c.calls[call.Session]; known || len(c.calls) >= c.limit {
		return known, false
	}
	if c.perOwner > 0 && c.owned[call.Owner] >= c.perOwner {
		return false, false
	}
	c.calls[call.Session] = &call
	c.owned[call.Owner]++
	c.total++
	c.peak = max(c.peak, len(c.calls))
	return false, true
}

// Connected notes that a call was answered.
func (c *Calls) Connected(session uint64) {
	if call, changed := c.connect(session); changed {
		c.notify("CallConnected", call)
	}
}

func (c *Calls) connect(session uint64) (is Call, changed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[session]
	if call == nil || call.State != Trying {
		return Call{}, false
	}
	call.State, call.Since = Connected, c.clock()
	return *call, true
}

// End moves a call to the history; unknown ones are no error.
func (c *Calls) End(session uint64) { c.Fail(session, 0) }

// Fail is End by a final answer: if the call was not taken yet, that is why it
// never will be.
func (c *Calls) Fail(session uint64, status int) {
	call, was := c.end(session, status)
	switch {
	case was && call.State == Connected:
		c.notify("CallDisconnected", call)
	case was:
		c.notify("CallFailure", call)
	}
}

func (c *Calls) end(session uint64, status int) (is Call, was bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	call := c.calls[session]
	if call == nil {
		return Call{}, false
	}
	delete(c.calls, session)
	if c.owned[call.Owner]--; c.owned[call.Owner] <= 0 {
		delete(c.owned, call.Owner)
	}
	call.Ended = c.clock()
	if call.State == Trying {
		call.Status = status
	}
	if len(c.ended) < historySize {
		c.ended = append(c.ended, *call)
	} else {
		c.ended[c.oldest] = *call
		c.oldest = (c.oldest + 1) % historySize
	}
	return *call, true
}

// Of returns how many calls an owner has.
func (c *Calls) Of(owner uint64) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owned[owner]
}

// BeginsCall tells whether a request begins a call of its own: one that takes
// the place of another's end (RFC 3891) goes on with a call that is there.
func BeginsCall(m *sip.Message) bool {
	return m.Method() == "INVITE" && m.ToTag() == "" && !m.Has("Replaces")
}

// History returns the calls that ended last, the newest first.
func (c *Calls) History() []Call {
	c.mu.Lock()
	defer c.mu.Unlock()
	out := slices.Concat(c.ended[c.oldest:], c.ended[:c.oldest])
	slices.Reverse(out)
	return out
}

// Get returns a copy of one call.
func (c *Calls) Get(session uint64) (Call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call := c.calls[session]; call != nil {
		return *call, true
	}
	return Call{}, false
}

// List returns copies of the calls, oldest first.
func (c *Calls) List() []Call {
	c.mu.Lock()
	out := make([]Call, 0, len(c.calls))
	for _, call := range c.calls {
		out = append(out, *call)
	}
	c.mu.Unlock()
	slices.SortFunc(out, func(a, b Call) int { return a.Since.Compare(b.Since) })
	return out
}

// Recordings counts the recording dialogs among the calls in progress.
func (c *Calls) Recordings() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.calls {
		if call.Recording != NoRecording {
			n++
		}
	}
	return n
}

// Counts returns how many calls there are, were at most and were in all.
func (c *Calls) Counts() (current, peak, total int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.calls), c.peak, c.total
}

func address(value string) string {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return value
	}
	return na.URI.User + "@" + na.URI.Host
}
