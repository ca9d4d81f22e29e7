package nic

import (
	"context"
	"sync"
	"time"
)

// question is what one asker keeps asking.
type question struct {
	lan int
	how how
}

// how an interface gets an address that nobody wrote down.
type how int

const (
	byDHCP    how = iota
	byDHCP6       // DHCPv6
	byRouters     // router advertisements, RFC 4861 and 4862
)

func (h how) String() string { return [...]string{"DHCP", "DHCPv6", "router"}[h] }

// asker gets and keeps what one question is about.
type asker struct {
	name   string // of the interface that carries the address
	cancel context.CancelFunc
}

// questions are those of a link.
func (l Link) questions() (out []how) {
	if l.DHCP {
		out = append(out, byDHCP)
	}
	if l.DHCP6 {
		out = append(out, byDHCP6)
	}
	if l.DHCP6 || l.Auto6 { // DHCPv6 names no gateway: only routers do
		out = append(out, byRouters)
	}
	return out
}

// startAskers has one asker for each question of the plan.
func (n *Network) startAskers(ctx context.Context, work *sync.WaitGroup) {
	n.mu.Lock()
	defer n.mu.Unlock()
	names, _ := n.names()
	wanted := map[question]string{}
	for _, l := range n.plan.Links {
		if name := names[l.LAN]; name != "" {
			for _, h := range l.questions() {
				wanted[question{l.LAN, h}] = carrierName(name, l.VLAN)
			}
		}
	}
	for q, a := range n.asking {
		if wanted[q] != a.name {
			a.cancel()
			delete(n.asking, q)
			n.forget(q)
		}
	}
	for q, name := range wanted {
		if n.asking[q] == nil {
			ctx, cancel := context.WithCancel(ctx)
			n.asking[q] = &asker{name: name, cancel: cancel}
			work.Go(func() { n.pursue(ctx, q, name) })
		}
	}
}

// forget drops what a question that nobody asks any more has brought.
func (n *Network) forget(q question) {
	delete(n.silent, q)
	switch q.how {
	case byDHCP:
		delete(n.leases, q.lan)
	case byDHCP6:
		delete(n.leases6, q.lan)
	case byRouters:
		delete(n.adverts, q.lan)
	}
}

func (n *Network) pursue(ctx context.Context, q question, name string) {
	switch q.how {
	case byDHCP:
		n.ask(ctx, q, name, n.request)
	case byDHCP6:
		n.ask(ctx, q, name, n.request6)
	case byRouters:
		n.hear(ctx, q.lan, name)
	}
}

// askAgain is how long after a failure the next question is.
const askAgain = 5 * time.Second

// ask gets a lease, and renews it at half its time, until ctx ends. While none
// can be had the last one stays: a box that is cut off from its DHCP server must
// not also lose the peers that it still reaches.
func (n *Network) ask(ctx context.Context, q question, name string, request func(context.Context, int, string) (Lease, time.Duration, error)) {
	for ctx.Err() == nil {
		lease, lasts, err := request(ctx, q.lan, name)
		n.heardOf(ctx, q, err == nil)
		if err != nil {
			n.cfg.Log.Info("no DHCP lease yet", "lan", q.lan, "err", err)
			pause(ctx, askAgain)
			continue
		}
		n.take(ctx, lease, lasts)
		pause(ctx, max(lasts/2, askAgain))
	}
}

// silentFrom is how many questions in a row go without an answer before that is
// told of: a link takes some seconds to come up.
const silentFrom = 3

// heardOf counts the questions that nobody answered.
func (n *Network) heardOf(ctx context.Context, q question, answered bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case ctx.Err() != nil: // it is not asked any more
	case answered:
		delete(n.silent, q)
	default:
		n.silent[q]++
	}
}

// silence names the servers of a LAN that do not answer.
func (n *Network) silence(lan int) (names []string) {
	for _, h := range []how{byDHCP, byDHCP6} {
		if n.silent[question{lan, h}] >= silentFrom {
			names = append(names, h.String())
		}
	}
	return names
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// take makes a lease real, unless it is not wanted any more.
func (n *Network) take(ctx context.Context, l Lease, lasts time.Duration) {
	n.mu.Lock()
	if ctx.Err() != nil {
		n.mu.Unlock()
		return
	}
	kept := n.leases
	if l.Address.Addr().Is6() {
		kept = n.leases6
	}
	old, had := kept[l.LAN]
	kept[l.LAN] = l
	if err := n.apply(); err != nil {
		n.cfg.Log.Warn("network not as configured", "err", err)
	}
	n.mu.Unlock()
	if had && old.Address == l.Address && old.Gateway == l.Gateway {
		return
	}
	n.cfg.Log.Info("DHCP lease", "lan", l.LAN, "address", l.Address, "gateway", l.Gateway, "server", l.Server, "lasts", lasts)
	n.tell(l)
}

// tell hands a lease to the caller.
func (n *Network) tell(l Lease) {
	if n.cfg.OnLease != nil {
		n.cfg.OnLease(l)
	}
}
