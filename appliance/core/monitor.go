package core

import (
	"context"
	"fmt"
	"sync"
	"time"

	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// monitorEvery is how often the peers of monitored neighbors are asked
// whether they live.
const monitorEvery = 30 * time.Second

// peers is what the last question to each neighbor's peer brought.
type peers struct {
	mu    sync.Mutex
	known map[string]health // by peerLabel
}

// health is how one peer is doing.
type health struct {
	up    bool
	why   string // why it is down
	since time.Time
}

func (p *peers) get(label string) (health, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	h, ok := p.known[label]
	return h, ok
}

// set notes an answer and tells whether it is news.
func (p *peers) set(label string, up bool, why string, now time.Time) (news bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old, known := p.known[label]
	if known && old.up == up && old.why == why {
		return false
	}
	if p.known == nil {
		p.known = map[string]health{}
	}
	p.known[label] = health{up, why, now}
	return !known || old.up != up
}

// keep forgets all but the labels given.
func (p *peers) keep(labels map[string]bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.known {
		if !labels[l] {
			delete(p.known, l)
		}
	}
}

func peerLabel(t target) string {
	return fmt.Sprintf("%s %s:%d/%s", t.zone, t.host, t.port, lower(t.network))
}

// monitor asks all monitored peers in turn until ctx ends.
func (c *Core) monitor(ctx context.Context) error {
	tick := time.NewTicker(monitorEvery)
	defer tick.Stop()
	for {
		c.askAll()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		case <-c.replanned:
		}
	}
}

func (c *Core) askAll() {
	wanted := map[string]bool{}
	var keys []string
	for _, z := range c.plan.Load().Zones.Zones {
		if z.Type != zone.Neighbor || !z.Monitor || !z.SIP {
			continue
		}
		for _, t := range peersOf(z, "") {
			wanted[peerLabel(t)] = true
			keys = append(keys, peerLabel(t))
			c.ask(t)
		}
	}
	c.peers.keep(wanted)
	c.cfg.Alarms.Keep(xapi.AlarmPeerDown, keys...)
}

// ask sends one OPTIONS; any answer but a timeout or a transport failure
// shows that the peer lives (RFC 3261 11).
func (c *Core) ask(t target) {
	own := c.sentBy(c.toward(t))
	m, err := sip.Question{
		Method: "OPTIONS", Target: "sip:" + sip.URI{Host: t.host}.HostPort(), From: "sip:" + own, Tag: peerKey(c.rand()),
		CallID: peerKey(c.rand()) + peerKey(c.rand()), CSeq: 1, Hops: 1, Contact: "sip:" + own + ";transport=" + lower(t.network),
	}.Message()
	if err != nil {
		c.heard(t, 503, err.Error())
		return
	}
	why := "no answer to OPTIONS"
	c.proxy.Originate(signaling.Branch{
		Msg: m,
		Via: own,
		Dial: func(ctx context.Context) (signaling.Conn, error) {
			conn, err := c.dial(ctx, t)
			if err != nil {
				why = err.Error()
			}
			return conn, err
		},
		Timeout: 10 * time.Second,
		OnFinal: func(status int) { c.heard(t, status, why) },
	})
}

func (c *Core) heard(t target, status int, why string) {
	label := peerLabel(t)
	up := status != 408 && status != 503
	if up {
		why = ""
	}
	if c.peers.set(label, up, why, c.cfg.Clock()) {
		c.log.Info("neighbor peer", "event", "peer", "peer", label, "up", up, "why", why)
	}
	c.cfg.Alarms.Set(xapi.AlarmPeerDown, label, !up, fmt.Sprintf("Zone %s: %s.", t.zone, why))
}
