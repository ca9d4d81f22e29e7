package appliance

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/dnscheck"
	"sallyport/appliance/trust"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// namesAgain is how often a node looks whether it needs other names than it
// last asked for: configuration, discovery and certificates all change them.
const namesAgain = 10 * time.Second

// nameWatch is what the last look after names brought.
type nameWatch struct {
	mu             sync.Mutex
	last           time.Time
	found, unknown int
	servers        int
}

// watchNames asks for the names that the node needs, at once when they change
// and else now and then, a tenth of the interval more or less, so that many
// nodes do not ask at once.
func (n *Node) watchNames(ctx context.Context) error {
	watch := n.store.Watch()
	defer watch.Close()
	tick := time.NewTicker(namesAgain)
	defer tick.Stop()
	var asked dnscheck.Own
	var next time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-watch.C():
		case <-tick.C:
		}
		snap := n.store.Snapshot()
		own, every := n.ownNames(snap), time.Duration(snap.Int(xapi.NamesInterval))*time.Minute
		if every == 0 {
			n.forgetNames()
			asked, next = dnscheck.Own{}, time.Time{}
			continue
		}
		if now := time.Now(); !now.Before(next) || !reflect.DeepEqual(own, asked) {
			asked, next = own, now.Add(every-every/10+rand.N(every/5))
			n.lookNames(ctx, own)
		}
	}
}

// lookNames asks once, and keeps the alarms. Of what no server tells, they stay
// as they are.
func (n *Node) lookNames(ctx context.Context, own dnscheck.Own) {
	found, silent := own.Run(ctx)
	if ctx.Err() != nil {
		return
	}
	texts := map[dnscheck.Kind]map[string][]string{}
	for _, f := range found {
		if texts[f.Kind] == nil {
			texts[f.Kind] = map[string][]string{}
		}
		texts[f.Kind][f.Name] = append(texts[f.Kind][f.Name], f.Text)
	}
	for kind, a := range nameAlarms() {
		var keep []string
		if kind != dnscheck.NoServer {
			keep = slices.Clone(silent)
		}
		for name, text := range texts[kind] {
			keep = append(keep, name)
			n.alarms.Raise(a, name, strings.Join(text, " "))
		}
		n.alarms.Keep(a, keep...)
	}
	n.nameWatch.mu.Lock()
	defer n.nameWatch.mu.Unlock()
	n.nameWatch.last, n.nameWatch.found, n.nameWatch.unknown = n.cfg.Clock(), len(found), len(silent)
	n.nameWatch.servers = len(own.Servers) + len(own.ByDomain)
}

// forgetNames lowers all alarms about names that nobody looks after any more.
func (n *Node) forgetNames() {
	for _, a := range nameAlarms() {
		n.alarms.Keep(a)
	}
	n.nameWatch.mu.Lock()
	defer n.nameWatch.mu.Unlock()
	n.nameWatch.last, n.nameWatch.found, n.nameWatch.unknown = time.Time{}, 0, 0
}

func nameAlarms() map[dnscheck.Kind]*xapi.Alarm {
	return map[dnscheck.Kind]*xapi.Alarm{
		dnscheck.Underscore: xapi.AlarmUnderscore, dnscheck.NoAddress: xapi.AlarmNoAddress, dnscheck.NoReverse: xapi.AlarmReverseDNS,
		dnscheck.NoService: xapi.AlarmServiceRecord, dnscheck.Outside: xapi.AlarmServiceOutside, dnscheck.Mismatch: xapi.AlarmNameMismatch,
		dnscheck.ShortName: xapi.AlarmShortNames, dnscheck.NoServer: xapi.AlarmNameServer, dnscheck.InsideSeen: xapi.AlarmInsideSeen,
	}
}

func (w *nameWatch) report(t *xapi.Node) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last.IsZero() {
		return
	}
	t.Str("Last", stamp(w.last)).Int("Servers", w.servers).Int("Findings", w.found).Int("Unknown", w.unknown)
}

// ownNames reads what the node needs of names. Without remote access it is its
// own name alone.
func (n *Node) ownNames(snap *config.Snapshot) dnscheck.Own {
	own := dnscheck.Own{
		Edge: n.cfg.Role == xapi.Edge, Domain: uc.Canonical(snap.Str(xapi.IPDNSDomainName)), Names: n.bornNames(),
		HTTPS: uint16(snap.Int(xapi.CollaborationEdgeHTTPSPort)), SIPS: uint16(snap.Int(xapi.SIPTLSPort)),
	}
	if all := names(snap); len(all) > 0 {
		own.Name = all[0]
	}
	if p := n.servers.plan.Load(); p != nil {
		own.Servers = slices.Clone(p.servers)
		for _, d := range p.domains {
			own.ByDomain = append(own.ByDomain, dnscheck.DomainServer{Domain: d.Domain, At: d.Server})
		}
	}
	if !snap.Bool(xapi.CollaborationEdgeEnabled) {
		return own
	}
	for _, i := range snap.Indexes(xapi.SIPDomainName.Item) {
		if d := uc.Canonical(snap.Str(xapi.SIPDomainName, i)); d != "" && snap.Bool(xapi.SIPDomainEdge, i) {
			own.Domains = append(own.Domains, d)
		}
	}
	if !own.Edge {
		n.innerNames(snap, &own)
	}
	return own
}

// bornNames are those that the node's certificates bear.
func (n *Node) bornNames() (out []string) {
	if c := n.trust.Certificate(); c != nil {
		out = trust.Names(c)
	}
	for _, d := range n.trust.Domains() {
		if d.Leaf != nil {
			out = append(out, trust.Names(d.Leaf)...)
		}
	}
	return out
}

// innerNames adds the edges and the UC nodes that core reaches by name, and the
// domains of these.
func (n *Node) innerNames(snap *config.Snapshot, own *dnscheck.Own) {
	isName := func(host string) bool {
		_, err := netip.ParseAddr(host)
		return host != "" && err != nil
	}
	for _, z := range snap.Indexes(xapi.ZoneName.Item) {
		for _, p := range snap.Indexes(xapi.TraversalClientPeerAddress.Item, z) {
			if host := uc.Canonical(snap.Str(xapi.TraversalClientPeerAddress, z, p)); isName(host) && snap.Enum(xapi.ZoneType, z) == "TraversalClient" {
				own.Peers = append(own.Peers, host)
			}
		}
	}
	top := n.topology(snap)
	for _, node := range top.Nodes() {
		if isName(node.Host) && !slices.Contains(own.Nodes, node.Host) {
			own.Nodes = append(own.Nodes, node.Host)
		}
	}
	for _, c := range top.Clusters(0) {
		if c.Type != uc.UnifiedCM {
			continue
		}
		own.Internal = append(own.Internal, c.Domains...)
		for _, d := range own.Domains {
			if of, _ := top.OfDomain(d); snap.Bool(xapi.NamesOnPremises) && of == c.Deployment && !slices.Contains(own.UDS, d) {
				own.UDS = append(own.UDS, d)
			}
		}
	}
}
