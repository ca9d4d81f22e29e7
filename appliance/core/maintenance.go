package core

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
)

// Maintenance mode: edges know of it and take what is new to another core. What
// comes all the same has no other way, and is refused; what belongs to calls
// goes on, and phones that have not moved yet are still called.

const (
	headerTalking = privatePrefix + "Talking" // edge's word that a registration has calls
	moveOn        = 60                        // Retry-After of what has to go elsewhere

	methodHeld = "registrations.held"
	heldWait   = 2 * time.Second
)

// closedForRegistration tells whether maintenance mode has answered a REGISTER
// of a phone outside.
func (c *Core) closedForRegistration(r *signaling.Request) bool {
	if !c.plan.Load().Maintenance || sip.Unregisters(r.Msg) || r.Msg.Has(headerTalking) {
		return false
	}
	c.inMaintenance(r)
	return true
}

// closedForLocals is that for endpoints of core's own. Known ones may stay: they
// have nowhere else to go.
func (c *Core) closedForLocals(r *signaling.Request, owner string) bool {
	if sip.Unregisters(r.Msg) || len(c.locals.ByUser(owner)) > 0 {
		return false
	}
	if !c.plan.Load().Maintenance {
		return c.turnedAway(r, overload.Strangers)
	}
	c.inMaintenance(r)
	return true
}

// closedForCalls tells whether maintenance mode or overload has answered a request that
// would begin a call.
func (c *Core) closedForCalls(r *signaling.Request) bool {
	if !signaling.BeginsCall(r.Msg) {
		return false
	}
	if !c.plan.Load().Maintenance {
		return c.noBandwidth(r) || c.turnedAway(r, overload.Calls)
	}
	c.inMaintenance(r)
	return true
}

func (c *Core) inMaintenance(r *signaling.Request) {
	c.refuse(r, 503, "This core is in maintenance", "SystemUnit Maintenance Mode", sip.RetryAfter(moveOn))
}

// held asks the edges how many registrations they hold for this core.
func (c *Core) held() (n int) {
	ctx, cancel := context.WithTimeout(context.Background(), heldWait)
	defer cancel()
	for _, answer := range c.links.Ask(ctx, methodHeld, nil) {
		some, err := strconv.ParseUint(string(answer), 10, 31)
		if err == nil {
			n += int(some)
		}
	}
	return n + c.locals.Len()
}

// lookMaintenance keeps the alarm.
func (c *Core) lookMaintenance() {
	calls, _, _ := c.calls.Counts()
	c.cfg.Alarms.Set(xapi.AlarmMaintenance, "", c.plan.Load().Maintenance, fmt.Sprintf("Calls left: %d.", calls))
}

// reportMaintenance adds what xStatus SystemUnit shows of it. It asks the edges,
// so it may take a moment.
func (c *Core) reportMaintenance(t *xapi.Node) {
	if !c.plan.Load().Maintenance {
		t.Leaf("Mode", "Off")
		return
	}
	calls, _, _ := c.calls.Counts()
	t.Leaf("Mode", "On").Int("Calls", calls).Int("Registrations", c.held())
}
