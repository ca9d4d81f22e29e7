package signaling

import (
	"slices"
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
}

// Calls lists the calls in progress, for status and capacity. Routing never
// asks it: tokens in the messages do that. The zero value is not usable;
// NewCalls makes one. All methods may be called from any goroutine.
type Calls struct {
	clock func() time.Time
	limit int

	mu    sync.Mutex
	calls map[uint64]*Call
	total int
	peak  int
}

// NewCalls returns an empty list that takes at most limit calls.
func NewCalls(clock func() time.Time, limit int) *Calls {
	return &Calls{clock: clock, limit: limit, calls: map[uint64]*Call{}}
}

// Begin notes the call that the INVITE m starts. It reports false when the
// list is full, so that the role can refuse the call.
func (c *Calls) Begin(session uint64, m *sip.Message, trace, direction string, owner uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, known := c.calls[session]; known {
		return true
	}
	if len(c.calls) >= c.limit {
		return false
	}
	c.calls[session] = &Call{
		Session: session, From: address(m.Get("From")), To: address(m.Get("To")), CallID: m.CallID(),
		Trace: trace, Direction: direction, Since: c.clock(), Owner: owner,
	}
	c.total++
	c.peak = max(c.peak, len(c.calls))
	return true
}

// Connected notes that a call was answered.
func (c *Calls) Connected(session uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if call := c.calls[session]; call != nil && call.State == Trying {
		call.State, call.Since = Connected, c.clock()
	}
}

// End forgets a call; unknown ones are no error.
func (c *Calls) End(session uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.calls, session)
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
