package discover

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// A target is one port of a node that clients depend on.
type target struct {
	host string
	port int
}

func (t target) String() string { return net.JoinHostPort(t.host, strconv.Itoa(t.port)) }

// A pulse is how a port answered of late.
type pulse struct {
	failed int    // in a row
	why    string // of the last one
	since  time.Time
}

// The ports that a type of node is probed on. A second miss in a row takes the
// node out of clients' answers, the first connection brings it back.
const (
	missesDown = 2
	probeTime  = 3 * time.Second
)

func (n *Node) targets(t uc.NodeType) []target {
	var ports []int
	switch t {
	case uc.UnifiedCM:
		ports = []int{n.Web}
		if n.Calls {
			ports = append(ports, n.SIP)
		}
	case uc.TFTP:
		ports = []int{portFiles}
	case uc.IMPresence:
		ports = []int{n.Web, portChat}
	case uc.UnityConnection:
		ports = []int{n.Web}
	}
	out := make([]target, len(ports))
	for i, p := range ports {
		out[i] = target{n.Host, p}
	}
	return out
}

// runProbes tries every port on a schedule until ctx ends.
func (d *Discoverer) runProbes(ctx context.Context) {
	for ctx.Err() == nil {
		d.probeAll(ctx)
		d.mu.Lock()
		pause := max(d.plan.Probe, time.Second)
		d.mu.Unlock()
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
		case <-timer.C:
		case <-d.probe:
		}
		timer.Stop()
	}
}

// probeAll tries every port once, a bounded number at a time, and tells of
// nodes that came or went.
func (d *Discoverer) probeAll(ctx context.Context) {
	d.mu.Lock()
	all := d.targetsLocked()
	d.mu.Unlock()
	type result struct {
		err error
		at  time.Time
	}
	results := make([]result, len(all))
	each(len(all), triesAtOnce, func(i int) { results[i] = result{d.connect(ctx, all[i]), d.cfg.Clock()} })
	if ctx.Err() != nil {
		return
	}
	d.mu.Lock()
	news := false
	keep := map[target]bool{}
	for i, t := range all {
		keep[t] = true
		news = d.heardLocked(t, results[i].err, results[i].at) || news
	}
	maps.DeleteFunc(d.health, func(t target, _ pulse) bool { return !keep[t] })
	d.alarmsLocked()
	d.mu.Unlock()
	if news {
		d.cfg.OnChange()
	}
}

func (d *Discoverer) connect(ctx context.Context, t target) error {
	ctx, stop := context.WithTimeout(ctx, probeTime)
	defer stop()
	conn, err := d.cfg.Dial(ctx, "tcp", t.String())
	if err == nil {
		conn.Close()
	}
	return err
}

// heardLocked notes the outcome of a probe and tells whether the port went down
// or came back.
func (d *Discoverer) heardLocked(t target, err error, now time.Time) (news bool) {
	old := d.health[t]
	p := pulse{since: old.since}
	if err != nil {
		p.failed, p.why = old.failed+1, clean(reach(err).Error())
	}
	news = (old.failed >= missesDown) != (p.failed >= missesDown)
	if news || old.since.IsZero() {
		p.since = now
	}
	d.health[t] = p
	if news {
		d.log.Info("uc node", "event", "node", "node", t.String(), "up", p.failed == 0, "why", p.why)
	}
	return news
}

// targetsLocked lists every port that is probed, each once.
func (d *Discoverer) targetsLocked() []target {
	seen := map[target]bool{}
	for _, f := range d.found {
		for i := range f.Nodes {
			for _, kind := range f.Nodes[i].Types {
				for _, t := range f.Nodes[i].targets(kind) {
					seen[t] = true
				}
			}
		}
	}
	return slices.SortedFunc(maps.Keys(seen), func(a, b target) int { return strings.Compare(a.String(), b.String()) })
}

// downLocked says which ports of a node's type do not answer, "" if all do.
func (d *Discoverer) downLocked(n *Node, kind uc.NodeType) string {
	var out []string
	for _, t := range n.targets(kind) {
		if p := d.health[t]; p.failed >= missesDown {
			out = append(out, fmt.Sprintf("port %d: %s", t.port, p.why))
		}
	}
	return strings.Join(out, "; ")
}

func (d *Discoverer) alarmsLocked() {
	var keys []string
	done := map[string]bool{}
	for _, f := range d.found {
		for i := range f.Nodes {
			n := &f.Nodes[i]
			for _, kind := range n.Types {
				key, why := n.Host+" "+string(kind), d.downLocked(n, kind)
				if why == "" || done[key] {
					continue
				}
				done[key] = true
				keys = append(keys, key)
				d.cfg.Alarms.Raise(xapi.AlarmNodeDown, key, fmt.Sprintf("%s %s does not answer: %s.", words(kind), n.Host, why))
			}
		}
	}
	d.cfg.Alarms.Keep(xapi.AlarmNodeDown, keys...)
}
