package lab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"
)

// CallState is how far a call has come.
type CallState uint8

// The states, in order.
const (
	CallTrying CallState = iota
	CallRinging
	CallAnswered
	CallEnded
)

// Call is one call of a phone.
type Call struct {
	*dialog
	phone    *Phone
	outgoing bool
	video    bool
	late     bool // our INVITE had no offer
	extra    []Field
	metadata string    // of a recording
	number   string    // where we shall be called back on the cellular side
	server   *serverTx // an incoming call's INVITE

	mu        sync.Mutex // guards all below
	state     CallState
	cause     int    // the final status that ended it, 0 for BYE
	why       string // in words
	changed   chan struct{}
	invite    *clientTx
	tried     int
	givenUp   bool // Cancel was called
	legs      []*leg
	version   uint64 // of our SDP
	dir       string // what we want: sendrecv or a hold
	farDir    string // what the far end said last
	early     bool   // media before the answer
	acked     bool
	owed      bool   // our offer went out in a 2xx, the ACK answers it
	prack     uint32 // RSeq that still lacks its PRACK
	rseq      uint32
	infos     []string
	refer     chan int // NOTIFY results of our REFER
	progress  []int    // provisional statuses seen
	kpml      bool     // the far end wants our keys by NOTIFY
	label     string   // of our audio, if we copy a side of a call
	recorded  *Call    // that call
	transfers []*Call  // calls that we made at the far end's REFER
}

// CallOption changes how a call is made.
type CallOption func(*Call)

// LateOffer sends the INVITE without SDP: the offer comes in the 200.
func LateOffer(c *Call) { c.late = true }

// WithVideo adds a second media line.
func WithVideo(c *Call) { c.video = true }

// WithHeader adds a header to the INVITE.
func WithHeader(name, value string) CallOption {
	return func(c *Call) { c.extra = append(c.extra, Field{name, value}) }
}

// Invite starts a call to a user of the phone's domain or to a URI and returns
// at once.
func (p *Phone) Invite(ctx context.Context, to string, opts ...CallOption) (*Call, error) {
	c := &Call{dialog: newDialog("<"+p.AOR()+">", "<"+p.uri(to)+">"), phone: p, outgoing: true,
		dir: "sendrecv", changed: make(chan struct{}), refer: make(chan int, 8)}
	for _, o := range opts {
		o(c)
	}
	if err := p.keep(c); err != nil {
		return nil, err
	}
	if err := c.sendInvite(ctx, nil); err != nil {
		c.end(0, err.Error())
		return nil, err
	}
	return c, nil
}

// Call makes a call and waits for its answer; if ctx ends first the call is
// cancelled.
func (p *Phone) Call(ctx context.Context, to string, opts ...CallOption) (*Call, error) {
	c, err := p.Invite(ctx, to, opts...)
	if err != nil {
		return nil, err
	}
	if err := c.Await(ctx, CallAnswered); err != nil {
		c.Cancel()
		return c, err
	}
	return c, nil
}

// uri makes a user name of our domain into a URI.
func (p *Phone) uri(to string) string {
	if _, host, _ := splitURI(to); host != "" {
		return to
	}
	return "sip:" + to + "@" + p.cfg.Domain
}

func (p *Phone) keep(c *Call) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.calls) >= maxCalls {
		return errors.New("lab: too many calls")
	}
	p.calls[c.callID] = c
	return nil
}

func (p *Phone) call(callID string) *Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.calls[callID]
}

// State is how far the call has come.
func (c *Call) State() CallState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Cause is the status that ended the call, 0 for a normal end.
func (c *Call) Cause() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// From is the far end's URI.
func (c *Call) From() string { return uriOf(c.remote) }

// CallID is the call's Call-ID.
func (c *Call) CallID() string { return c.callID }

// Infos are the bodies of INFO requests that came in.
func (c *Call) Infos() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]string(nil), c.infos...)
}

// Progress lists the provisional answers above 100 that came in.
func (c *Call) Progress() []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]int(nil), c.progress...)
}

// Early tells whether media began before the answer.
func (c *Call) Early() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.early
}

// OnHold tells whether the far end has put us on hold.
func (c *Call) OnHold() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.farDir == "sendonly" || c.farDir == "inactive"
}

// Await waits until the call has come so far. A call that ends before is an
// error, a *StatusError if an answer ended it.
func (c *Call) Await(ctx context.Context, want CallState) error {
	return c.until(ctx, func() bool { return c.state >= want }, want == CallEnded)
}

// until waits for something that is true under the lock.
func (c *Call) until(ctx context.Context, is func() bool, endedIsFine bool) error {
	for {
		c.mu.Lock()
		ok, ended, changed := is(), c.state == CallEnded, c.changed
		err := c.endErrorLocked()
		c.mu.Unlock()
		switch {
		case ended && !endedIsFine:
			return err
		case ok:
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("lab: call %s: %w", c.callID, ctx.Err())
		}
	}
}

func (c *Call) endErrorLocked() error {
	if c.cause != 0 {
		return &StatusError{c.cause, c.why}
	}
	return fmt.Errorf("lab: call ended: %s", c.why)
}

// update changes the state under the lock and wakes who waits.
func (c *Call) update(f func()) {
	c.mu.Lock()
	f()
	close(c.changed)
	c.changed = make(chan struct{})
	c.mu.Unlock()
}

// end ends the call once. Media sockets are closed in the background of the
// phone, since this may run on a reader.
func (c *Call) end(cause int, why string) {
	c.mu.Lock()
	first := c.state != CallEnded
	c.mu.Unlock()
	if !first {
		return
	}
	c.update(func() { c.state, c.cause, c.why = CallEnded, cause, why })
	p := c.phone
	p.mu.Lock()
	delete(p.calls, c.callID)
	p.mu.Unlock()
	p.endCopies(c)
	for _, l := range c.media() {
		l.mute(true)
	}
	p.stack.background(c.closeMedia)
}

func (c *Call) closeMedia() {
	for _, l := range c.media() {
		l.close()
	}
}

// media are the call's media lines.
func (c *Call) media() []*leg {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*leg(nil), c.legs...)
}

// Stats is what was measured on the call's first media line, or its n-th.
func (c *Call) Stats(n ...int) MediaStats {
	i := 0
	if len(n) > 0 {
		i = n[0]
	}
	legs := c.media()
	if i >= len(legs) {
		return MediaStats{}
	}
	return legs[i].stats()
}

// AwaitMedia waits until at least packets more have come and, unless hz is 0,
// until that tone is what is heard.
func (c *Call) AwaitMedia(ctx context.Context, hz float64, packets int) (MediaStats, error) {
	s, err := awaitTone(ctx, func() MediaStats { return c.Stats() }, hz, packets)
	if err != nil {
		err = fmt.Errorf("lab: %s waits for %.0f Hz: %w (%s)", c.phone.cfg.User, hz, err, s)
	}
	return s, err
}

// awaitTone asks for measurements until packets more have come and the tone is
// what is heard.
func awaitTone(ctx context.Context, stats func() MediaStats, hz float64, packets int) (MediaStats, error) {
	tick := time.NewTicker(packetTime)
	defer tick.Stop()
	for start := stats(); ; {
		s := stats()
		if s.Received-start.Received >= packets && (hz == 0 || s.Tone.Is(hz)) {
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s, ctx.Err()
		}
	}
}

// Mute stops or resumes our packets without signalling.
func (c *Call) Mute(on bool) {
	for _, l := range c.media() {
		l.mute(on)
	}
}

// Rebind gives the call's media a new source port without signalling, as a NAT
// does that has forgotten its entry; an invalid address keeps the present one.
func (c *Call) Rebind(local netip.Addr) error {
	if !local.IsValid() {
		local = c.phone.cfg.Local
	}
	for _, l := range c.media() {
		if err := l.rebind(local); err != nil {
			return err
		}
	}
	return nil
}
