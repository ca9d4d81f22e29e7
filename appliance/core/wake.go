package core

import (
	"context"
	"errors"
	"time"

	"sallyport/appliance/push"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
)

// wakes tells whether a request may wake a phone whose connection is gone: a
// call or message that begins something.
func wakes(m *sip.Message) (why string, ok bool) {
	if m.ToTag() != "" {
		return "", false
	}
	switch m.Method() {
	case "INVITE":
		return push.Call, true
	case "MESSAGE":
		return push.Message, true
	}
	return "", false
}

// orWake has a branch to a phone go on when edge has lost the phone's
// connection: the phone is woken, and the request held until it has registered
// again. Held is the request as it left; came is told where the phone is then.
func (c *Core) orWake(b signaling.Branch, held *sip.Message, trace string, came func(sleeper)) signaling.Branch {
	why, ok := wakes(held)
	if !ok || !c.plan.Load().Push {
		return b
	}
	one, ok := c.sleepers.at(held.Values("Route"))
	if !ok {
		return b
	}
	held = held.Clone()
	b, heard := c.orSilent(b, one, why, trace)
	b.Next = func(status int) *signaling.Branch {
		heard()
		if status != 430 {
			return nil
		}
		again := b
		again.Msg, again.Conn, again.Apart = held.Clone(), nil, true
		again.Dial = func(ctx context.Context) (signaling.Conn, error) {
			back, err := c.awaken(ctx, one, why, trace)
			if err != nil {
				return nil, err
			}
			return c.towards(again.Msg, back, came)
		}
		again.Next = c.settling(again, held, one, came, 0)
		return &again
	}
	return b
}

// towards gives a held request the phone's present address.
func (c *Core) towards(m *sip.Message, to sleeper, came func(sleeper)) (signaling.Conn, error) {
	m.SetURI(to.URI)
	m.SetAll("Route", to.Path)
	came(to)
	return c.links.Conn("", traversal.PeerID(to.Peer), m.URI())
}

// Core sees the answer to a registration before edge does, and what it sends
// then may be there first.
const (
	settleTries = 5
	settleTime  = 100 * time.Millisecond
)

// settling tries again for a moment where edge has not heard yet that the phone
// is back.
func (c *Core) settling(b signaling.Branch, held *sip.Message, one sleeper, came func(sleeper), try int) func(int) *signaling.Branch {
	return func(status int) *signaling.Branch {
		if status != 430 || try == settleTries {
			return nil
		}
		again := b
		again.Msg, again.Conn = held.Clone(), nil
		again.Dial = func(ctx context.Context) (signaling.Conn, error) {
			pause := time.NewTimer(settleTime)
			defer pause.Stop()
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-pause.C:
			}
			back, ok := c.sleepers.of(one.Key)
			if !ok {
				return nil, asleep("Phone has gone again")
			}
			return c.towards(again.Msg, back, came)
		}
		again.Next = c.settling(b, held, one, came, try+1)
		return &again
	}
}

// asleep is the answer to what waited in vain.
func asleep(why string) error {
	return &signaling.StatusError{Status: 480, Reason: why, Fields: []sip.Field{
		{Name: "Warning", Value: `399 sallyport "The client's connection to edge is gone, and waking it did not bring it back"`},
	}}
}

// awaken wakes a phone and waits until it has registered again. It blocks for
// the hold time at most, or until ctx ends.
func (c *Core) awaken(ctx context.Context, one sleeper, why, trace string) (sleeper, error) {
	back, leave, ok := c.sleepers.wait(one)
	if !ok {
		c.log.Info("sip denied", "event", "denied", "status", 480, "rule", "limits", "why", "too many wait for sleeping phones",
			"user", one.Key.AOR, "trace", trace)
		return sleeper{}, asleep("Too many calls wait for the phone")
	}
	defer leave()
	begin := c.cfg.Clock()
	hold := c.plan.Load().PushHold
	ctx, stop := context.WithTimeout(ctx, hold)
	asked := make(chan error, 1)
	over := make(chan struct{})
	go func() { // ends with ctx; awaken waits for it
		defer close(over)
		asked <- c.wake(ctx, one, why, hold, trace)
	}()
	defer func() { stop(); <-over }()
	for {
		select {
		case now := <-back:
			c.log.Info("phone is back", "event", "wake", "user", one.Key.AOR, "took", c.cfg.Clock().Sub(begin).Round(time.Millisecond).String(), "trace", trace)
			return now, nil
		case err := <-asked:
			if err != nil && ctx.Err() == nil {
				return sleeper{}, asleep("Phone cannot be woken")
			}
			asked = nil
		case <-ctx.Done():
			c.log.Info("phone did not wake up", "event", "wake", "user", one.Key.AOR, "why", context.Cause(ctx), "hold", hold.String(), "trace", trace)
			return sleeper{}, asleep("Phone did not wake up")
		}
	}
}

// wake has a phone's service wake it, unless that was done a moment ago. A
// phone that the service knows no more is forgotten.
func (c *Core) wake(ctx context.Context, one sleeper, why string, lasts time.Duration, trace string) error {
	place := placeOf(one.Path)
	if !c.sleepers.mayAsk(one, c.cfg.Clock()) {
		return nil
	}
	err := c.push.Wake(ctx, one.Device, why, lasts)
	if err != nil {
		c.sleepers.unasked(place)
	}
	switch {
	case err == nil:
		c.log.Info("phone woken", "event", "wake", "user", one.Key.AOR, "provider", one.Device.Provider, "for", why, "trace", trace)
	case errors.Is(err, push.ErrGone):
		c.sleepers.forget(place)
		c.log.Warn("phone cannot be woken any more", "event", "wake", "user", one.Key.AOR, "provider", one.Device.Provider,
			"why", "the push service says: "+err.Error(), "trace", trace)
	default:
		c.log.Warn("phone not woken", "event", "wake", "user", one.Key.AOR, "provider", one.Device.Provider, "why", err, "trace", trace)
	}
	return err
}

// Bounds of what is woken to register again.
const (
	refreshEvery = time.Second
	refreshMost  = 20 // at each look
)

// refreshSleepers wakes phones before their registrations end, and those that
// are silent.
func (c *Core) refreshSleepers(ctx context.Context) error {
	defer c.push.Close()
	tick := time.NewTicker(refreshEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if !c.plan.Load().Push {
			continue
		}
		now := c.cfg.Clock()
		for _, q := range c.sleepers.unheard(now, refreshMost) {
			c.refreshes.Do(func(ctx context.Context) {
				_ = c.wake(ctx, q.one, q.why, c.plan.Load().PushHold, q.trace) // it is logged; the call waits anyhow
			})
		}
		for _, one := range c.sleepers.overdue(now, refreshMost) {
			c.refreshes.Do(func(ctx context.Context) {
				_ = c.wake(ctx, one, push.Refresh, one.Expires.Sub(now), "") // it is logged, and tried once more
			})
		}
	}
}
