package appliance

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/flow"
	"sallyport/appliance/httpproxy"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// How patient Healthy is.
const (
	answerWithin = 3 * time.Second  // one self-check
	linkWithin   = 45 * time.Second // from the node's start until a link that was up is up again
	linkMemory   = 24 * time.Hour   // a link that was last up longer ago is not waited for
)

// Healthy says what keeps the node from doing its work; nil if nothing does. It
// asks whether the newest configuration was made real, no service failed, every
// listener is bound, and SIP and HTTP answer on them. A link that was up before
// this start counts as long as its peer answers: a dead peer is no fault of
// ours, and its zone is in unlinked instead. It blocks for seconds at most.
func (n *Node) Healthy(ctx context.Context) (unlinked []string, fault error) {
	for _, a := range n.Alarms() {
		if a.Alarm == xapi.AlarmListener || a.Alarm == xapi.AlarmServiceFailed {
			return nil, errors.New(a.Detail)
		}
	}
	if !n.Applied() {
		return nil, errors.New("the configuration is not in force yet")
	}
	snap := n.store.Snapshot()
	if err := errors.Join(n.askSIP(ctx, snap), n.askHTTP(ctx, snap)); err != nil {
		return nil, err
	}
	return n.lookLinks(ctx, snap)
}

// askSIP sends each listener of streams an OPTIONS. Any answer will do. Over TLS
// nothing can answer before there is a certificate, and an alarm tells of that.
func (n *Node) askSIP(ctx context.Context, snap *config.Snapshot) error {
	var errs []error
	for _, l := range flow.PlanFrom(snap, n.cfg.Role).Listeners {
		if l.Network == "UDP" || l.Network == "TLS" && n.trust.Certificate() == nil {
			continue
		}
		if err := n.options(ctx, l); err != nil {
			errs = append(errs, fmt.Errorf("SIP over %s on %s does not answer: %w", l.Network, l.Addr, err))
		}
	}
	return errors.Join(errs...)
}

func (n *Node) options(ctx context.Context, l flow.Listener) error {
	c, err := n.dialSelf(ctx, l.Addr, l.Network == "TLS", trust.SIPInside)
	if err != nil {
		return err
	}
	defer c.Close()
	tag := strconv.FormatUint(random(), 36)
	fmt.Fprintf(c, "OPTIONS sip:%[1]s SIP/2.0\r\nVia: SIP/2.0/%[2]s %[3]s;branch=z9hG4bK%[4]s\r\nMax-Forwards: 0\r\n"+
		"From: <sip:%[1]s>;tag=%[4]s\r\nTo: <sip:%[1]s>\r\nCall-ID: %[4]s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		l.Addr, l.Network, c.LocalAddr(), tag)
	line, err := bufio.NewReader(c).ReadString('\n')
	if err == nil && !strings.HasPrefix(line, "SIP/2.0 ") {
		err = fmt.Errorf("it says %.40q", line)
	}
	return err
}

// askHTTP sends each HTTPS listener of edge a request that any answer will do
// for.
func (n *Node) askHTTP(ctx context.Context, snap *config.Snapshot) error {
	if n.cfg.Role != xapi.Edge || n.trust.Certificate() == nil {
		return nil
	}
	var errs []error
	for _, a := range httpproxy.GatePlanFrom(snap).Listen {
		if err := n.head(ctx, a); err != nil {
			errs = append(errs, fmt.Errorf("HTTPS on %s does not answer: %w", a, err))
		}
	}
	return errors.Join(errs...)
}

func (n *Node) head(ctx context.Context, a netip.AddrPort) error {
	c, err := n.dialSelf(ctx, a, true, trust.HTTPSUpstream)
	if err != nil {
		return err
	}
	defer c.Close()
	fmt.Fprintf(c, "HEAD / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", a)
	r, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: http.MethodHead})
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// dialSelf connects to a listener of this node. Whether the certificate is good
// enough for others is not the question here.
func (n *Node) dialSelf(ctx context.Context, a netip.AddrPort, secure bool, p trust.Purpose) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, answerWithin)
	defer stop()
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", a.String())
	if err != nil || !secure {
		return deadlined(c, err)
	}
	t := tls.Client(c, n.trust.UnverifiedClientConfig(p, a.Addr().String()))
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return deadlined(t, nil)
}

func deadlined(c net.Conn, err error) (net.Conn, error) {
	if err != nil {
		return nil, err
	}
	return c, c.SetDeadline(time.Now().Add(answerWithin))
}

// lookLinks judges the zones whose link was up before this start and is not.
func (n *Node) lookLinks(ctx context.Context, snap *config.Snapshot) (unlinked []string, fault error) {
	unlinked = n.Unlinked()
	if len(unlinked) > 0 && n.cfg.Clock().Sub(n.started) < linkWithin {
		return nil, fmt.Errorf("the link of zone %s was up before and is not yet", strings.Join(unlinked, ", "))
	}
	plan, _ := traversal.PlanFrom(snap, n.cfg.Role)
	for _, zone := range unlinked {
		if at := answering(ctx, plan, zone); at != "" {
			return nil, fmt.Errorf("the link of zone %s was up before and is not, though %s answers", zone, at)
		}
	}
	return unlinked, nil
}

// Unlinked are the zones whose link was up before this start and is not now.
func (n *Node) Unlinked() (zones []string) {
	plan, _ := traversal.PlanFrom(n.store.Snapshot(), n.cfg.Role)
	for _, zone := range linkZones(plan) {
		if !n.linked(zone) && n.wasLinked(zone) {
			zones = append(zones, zone)
		}
	}
	return zones
}

// answering is a peer of a zone that takes connections. Only core can ask.
func answering(ctx context.Context, plan traversal.Plan, zone string) string {
	for _, c := range plan.Clients {
		if c.Zone != zone {
			continue
		}
		d := net.Dialer{Timeout: answerWithin}
		if conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(c.Address, strconv.Itoa(c.Port))); err == nil {
			conn.Close()
			return c.Address
		}
	}
	return ""
}

func linkZones(plan traversal.Plan) (zones []string) {
	for _, s := range plan.Servers {
		zones = append(zones, s.Zone)
	}
	for _, c := range plan.Clients {
		zones = append(zones, c.Zone)
	}
	slices.Sort(zones)
	return slices.Compact(zones)
}

// linked reports whether no link of the zone is down.
func (n *Node) linked(zone string) bool {
	return !slices.ContainsFunc(n.alarms.List(), func(a alarm.Raised) bool {
		return a.Alarm == xapi.AlarmLinkDown && strings.HasPrefix(a.Key, zone+" ")
	})
}

// linkFile tells when the link of each zone was last seen up, to the hour.
const linkFile = "links"

func (n *Node) readLinks() map[string]time.Time {
	seen := map[string]time.Time{}
	if b, err := os.ReadFile(n.path(linkFile)); err == nil {
		json.Unmarshal(b, &seen) // what cannot be read was not seen
	}
	return seen
}

func (n *Node) wasLinked(zone string) bool {
	at, ok := n.seenLinks()[zone]
	return ok && n.started.Sub(at) < linkMemory
}

// seenLinks is what was known when the node started, and since.
func (n *Node) seenLinks() map[string]time.Time {
	n.links.mu.Lock()
	defer n.links.mu.Unlock()
	if n.links.seen == nil {
		n.links.seen = n.readLinks()
	}
	return n.links.seen
}

// rememberLinks notes which links are up.
func (n *Node) rememberLinks(snap *config.Snapshot) {
	plan, _ := traversal.PlanFrom(snap, n.cfg.Role)
	before := n.seenLinks()
	now := n.cfg.Clock().Truncate(time.Hour)
	seen := map[string]time.Time{}
	news := false
	for _, zone := range linkZones(plan) {
		at := before[zone]
		if n.linked(zone) && at.Before(now) {
			at, news = now, true
		}
		if !at.IsZero() {
			seen[zone] = at
		}
	}
	if !news && len(seen) == len(before) {
		return
	}
	n.links.mu.Lock()
	n.links.seen = seen
	n.links.mu.Unlock()
	if b, err := json.Marshal(seen); err == nil {
		if err := replaceFile(n.path(linkFile), b); err != nil {
			n.log.Warn("links not remembered", "err", err)
		}
	}
}
