package edge

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/traversal"
	"sallyport/appliance/uc"
)

// methodNodes brings the nodes of call control that a core knows, by the domain
// that each belongs to.
const methodNodes = "sip.nodes"

const (
	// nodesLife is how long a core's word holds. Cores repeat it every half
	// minute; one that is away for a while must not have its phones refused for
	// good with 403 instead of being told to come back.
	nodesLife = 30 * time.Minute
	// maxTellers and maxNodeNames bound what cores may have edge remember.
	maxTellers   = 64
	maxNodeNames = 2_000
)

var errNodes = errors.New("list of nodes cannot be read")

// nodeNames is what cores have told of their nodes. A core speaks for its own
// traversal zone only. The zero value is ready.
type nodeNames struct {
	mu   sync.Mutex
	told map[teller]nodeList

	known atomic.Pointer[map[string][]nodeName] // by host
}

type teller struct {
	zone string
	core traversal.PeerID
}

type nodeList struct {
	of    map[string]string // domain by host
	until time.Time
}

type nodeName struct {
	zone, domain string
	until        time.Time
}

// learn takes a core's list in place of its last one.
func (n *nodeNames) learn(by teller, list map[string][]string, now time.Time) error {
	of := map[string]string{}
	for domain, hosts := range list {
		for _, host := range hosts {
			of[uc.Canonical(host)] = uc.Canonical(domain)
		}
	}
	if len(of) > maxNodeNames {
		return errNodes
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == nil {
		n.told = map[teller]nodeList{}
	}
	for t, l := range n.told {
		if !now.Before(l.until) {
			delete(n.told, t)
		}
	}
	if _, again := n.told[by]; !again && len(n.told) >= maxTellers {
		return errors.New("too many cores tell of nodes")
	}
	n.told[by] = nodeList{of, now.Add(nodesLife)}
	n.mergeLocked()
	return nil
}

func (n *nodeNames) mergeLocked() {
	known := map[string][]nodeName{}
	for t, l := range n.told {
		for host, domain := range l.of {
			known[host] = append(known[host], nodeName{t.zone, domain, l.until})
		}
	}
	n.known.Store(&known)
}

// heard tells whether a core of the zone has told of its nodes.
func (n *nodeNames) heard(zone string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for t, l := range n.told {
		if t.zone == zone && now.Before(l.until) {
			return true
		}
	}
	return false
}

// rename has lists follow their zone to its new name.
func (n *nodeNames) rename(names map[string]string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	told := map[teller]nodeList{}
	for t, l := range n.told {
		if now := names[t.zone]; now != "" {
			t.zone = now
		}
		told[t] = l
	}
	n.told = told
	n.mergeLocked()
}

// domainOf finds the domain that an address of record belongs to by its host:
// the domain itself, or that of the node by that name. A node counts where the
// core that named it is one of the zone which carries that domain; one that
// belongs to two domains by two cores is nobody's.
func (e *Edge) domainOf(host string) (Domain, bool) {
	plan := e.plan.Load()
	if d, ok := plan.Domain(host); ok {
		return d, true
	}
	known := e.nodes.known.Load()
	if known == nil {
		return Domain{}, false
	}
	var found []Domain
	for _, n := range (*known)[uc.Canonical(host)] {
		d, ok := plan.Domain(n.domain)
		if ok && plan.Zone(d) == n.zone && e.clock().Before(n.until) && !slices.Contains(found, d) {
			found = append(found, d)
		}
	}
	if len(found) != 1 {
		return Domain{}, false
	}
	return found[0], true
}

// insideNode tells whether a host is a node that a core has named, and no
// domain that users know.
func (e *Edge) insideNode(host string) bool {
	if _, ok := e.plan.Load().Domain(host); ok {
		return false
	}
	known := e.nodes.known.Load()
	return known != nil && len((*known)[uc.Canonical(host)]) > 0
}

// unsettled tells whether a core has yet to tell of its nodes: until then
// nobody can say that a host is none.
func (e *Edge) unsettled() bool {
	now := e.clock()
	return slices.ContainsFunc(e.plan.Load().Zones, func(zone string) bool { return !e.nodes.heard(zone, now) })
}

// takeNodes answers a core that tells of its nodes.
func (e *Edge) takeNodes(_ context.Context, p traversal.Peer, in []byte) ([]byte, error) {
	var list map[string][]string
	if json.Unmarshal(in, &list) != nil {
		return nil, errNodes
	}
	return []byte{}, e.nodes.learn(teller{p.Zone, p.ID}, list, e.clock())
}
