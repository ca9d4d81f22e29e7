package edge

import (
	"context"
	"strconv"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/sip"
)

// Core believes edge about nobody whose registration it did not see itself. It
// has seen none of a phone that comes to it because its own core is gone, and
// says so by this header. Then the phone registers anew, at once.
const headerAgain = privatePrefix + "Again"

const (
	againAfter = 2           // Retry-After, in seconds
	againPause = time.Second // for the answer to arrive before its connection ends
)

// registersAgain has a client register anew where core says that it does not
// know it: a connection that ends is what all of them understand.
func (e *Edge) registersAgain(resp *sip.Message, c *flow.Conn) {
	if !resp.Has(headerAgain) {
		return
	}
	resp.SetStatus(503, "Register again")
	resp.Set("Retry-After", strconv.Itoa(againAfter))
	e.dials.Do(func(ctx context.Context) {
		pause := time.NewTimer(againPause)
		defer pause.Stop()
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		c.Close()
	})
}

// provesAgain challenges a client whose password core has not checked itself:
// edge knew it from another core.
func (e *Edge) provesAgain(resp *sip.Message, a *attempt) {
	if !resp.Has(headerAgain) || a.user == "" {
		return
	}
	e.guard.Forget(a.user)
	name, reason := challengeHeader(e.guard.Status())
	resp.SetStatus(e.guard.Status(), reason)
	for _, value := range e.guard.Challenge(a.domain) {
		resp.Add(name, value)
	}
}
