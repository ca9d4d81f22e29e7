package core

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/media"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/zone"
)

// A target is one inside peer that a request may be sent to.
type target struct {
	zone    string
	network string // "TLS", "TCP", "UDP"
	host    string // address or name
	port    int    // 0: found by SRV, else the transport's own
	verify  bool   // TLS: the certificate must carry host
	path    bool   // it knows Path (RFC 3327)
	hops    int    // most hops that a request there may still take; 0: as it came
	media   media.Encryption
	noGCM   bool   // its zone bears no GCM suites of SRTP
	ice     bool   // its zone passes ICE of clients outside
	uri     string // the Request-URI to send it
	routes  string // the Route that it keeps, in one line

	name string     // that the certificate must carry, where it is not host
	most int        // most addresses to try where host has SRV records; 0: all
	link string     // a traversal zone: the request goes out by an edge
	conn *flow.Conn // a registered endpoint's
	of   int        // deployment of an endpoint of core's own; 0: it is none

	preRouted bool // found by a token, not by a search
	stranger  bool // named by a stranger: it may be where such are, and nowhere else
}

// serverName is what a target's certificate must carry.
func (t target) serverName() string { return cmp.Or(t.name, t.host) }

// policy is what the media of a call to this target may be.
func (t target) policy() media.Policy {
	p := policy(t.media, t.network)
	p.NoGCMInside = t.noGCM
	return passing(p, t.zone, t.ice)
}

// policyOf is what the media of a call from a zone may be.
func (p *Plan) policyOf(zone string, w passage) media.Policy {
	mode, noGCM, ice := media.Auto, false, false
	if z := p.Zones.Zone(zone); z != nil {
		mode, _ = media.ParseEncryption(z.MediaEncryption)
		noGCM, ice = z.NoGCM, z.ICEPassThrough
	}
	pol := policy(mode, w.network)
	pol.NoGCMInside, pol.InsideV6 = noGCM, w.v6
	return passing(pol, zone, ice)
}

// policyTo is what the media of a call to a target may be.
func (c *Core) policyTo(t target) media.Policy {
	pol := t.policy()
	pol.InsideV6 = c.toward(t).v6
	return pol
}

// policy reads Auto as the most that the hop can bear: behind a secure call
// control there may be phones without SRTP, so keys are offered there, not
// demanded.
func policy(mode media.Encryption, network string) media.Policy {
	tls := network == "TLS"
	if mode == media.Auto && tls {
		mode = media.BestEffort
	}
	return media.Policy{Inside: mode, InsideTLS: tls}
}

// targetsOf lists the peers of the hops that a search gave, in its order. A
// request whose alias no rule changed keeps its Request-URI, but for an address
// to send it to: that is not for the far end to say.
func targetsOf(hops []zone.Hop, uri sip.URI) []target {
	uri = uri.WithoutParam("maddr")
	var out []target
	for _, h := range hops {
		if h.Zone.Type != zone.Neighbor {
			continue
		}
		requestURI := uri.String()
		if to, err := sip.ParseURI(h.URI); err == nil && bare(to) != bare(uri) {
			requestURI = h.URI
		}
		out = append(out, peersOf(h.Zone, requestURI)...)
	}
	return out
}

// peersOf lists the peers of one neighbor zone.
func peersOf(z *zone.Zone, requestURI string) []target {
	mode, _ := media.ParseEncryption(z.MediaEncryption)
	var out []target
	for _, peer := range z.Peers {
		out = append(out, target{
			zone: z.Name, network: z.Transport, host: peer, port: z.Port, hops: z.HopCount,
			verify: z.TLSVerify, path: z.Path, media: mode, noGCM: z.NoGCM, ice: z.ICEPassThrough, uri: requestURI, most: z.MaxPeers,
		})
	}
	return out
}

// targetOf is where a URI that an inside system wrote itself says it is to be
// reached (RFC 3263, without NAPTR). A peer of a zone is spoken to as the
// zone says.
func (p *Plan) targetOf(u sip.URI) target {
	host := u.Host
	if m, ok := u.Param("maddr"); ok {
		host = m
	}
	t := target{zone: inside, network: "UDP", host: strings.Trim(host, "[]"), port: u.Port}
	if tr, ok := u.Param("transport"); ok {
		t.network = strings.ToUpper(tr)
	} else if u.Scheme == "sips" {
		t.network = "TLS"
	}
	if z := p.Zones.Peer(t.host); z != nil {
		t.zone, t.verify = z.Name, z.TLSVerify
		t.media, _ = media.ParseEncryption(z.MediaEncryption)
		t.noGCM, t.ice = z.NoGCM, z.ICEPassThrough
	}
	return t
}

// errUnreachable wraps every failure to reach a target, for the log.
var errUnreachable = errors.New("inside peer cannot be reached")

// dial finds a connection to a target, an open one first. It blocks for name
// look-up and connecting and is called off the reader.
func (c *Core) dial(ctx context.Context, t target) (signaling.Conn, error) {
	if t.conn != nil {
		return t.conn, nil
	}
	addrs, err := c.resolve(ctx, t)
	if err != nil {
		return nil, fmt.Errorf("%w: %s %s: %w", errUnreachable, t.network, t.host, err)
	}
	var errs []error
	for _, addr := range addrs {
		if !c.mayBe(t, addr.Addr()) {
			errs = append(errs, fmt.Errorf("%s is at %s, which is no address of the outside", t.host, addr.Addr()))
			continue
		}
		conn, err := c.flows.Dial(ctx, c.flowTarget(t, addr))
		if err == nil {
			c.reach.note(t, addr)
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, fmt.Errorf("%w: %w", errUnreachable, errors.Join(errs...))
}

// mayBe tells whether a target may be at an address.
func (c *Core) mayBe(t target, a netip.Addr) bool {
	return !t.stranger || c.plan.Load().ground.Stranger(a)
}

func (c *Core) clientTLS(t target) *tls.Config {
	if t.network != "TLS" {
		return nil
	}
	if !t.verify {
		return c.trust.UnverifiedClientConfig(trust.SIPInside, t.serverName())
	}
	return c.trust.ClientConfig(trust.SIPInside, t.serverName())
}

// resolve gives the addresses of a target in the order of preference.
func (c *Core) resolve(ctx context.Context, t target) ([]netip.AddrPort, error) {
	if addr, err := netip.ParseAddr(t.host); err == nil {
		return []netip.AddrPort{netip.AddrPortFrom(addr, defaultPort(t))}, nil
	}
	if t.port == 0 {
		if addrs := c.resolveSRV(ctx, t); len(addrs) > 0 {
			return addrs[:min(len(addrs), cmp.Or(t.most, len(addrs)))], nil
		}
	}
	return c.resolveHost(ctx, t.host, defaultPort(t))
}

func (c *Core) resolveSRV(ctx context.Context, t target) []netip.AddrPort {
	service, proto := "sip", strings.ToLower(t.network)
	if t.network == "TLS" {
		service, proto = "sips", "tcp"
	}
	_, records, err := c.resolver.LookupSRV(ctx, service, proto, t.host)
	if err != nil {
		return nil
	}
	var out []netip.AddrPort
	for _, r := range records {
		addrs, err := c.resolveHost(ctx, strings.TrimSuffix(r.Target, "."), r.Port)
		if err == nil {
			out = append(out, addrs...)
		}
	}
	return out
}

func (c *Core) resolveHost(ctx context.Context, host string, port uint16) ([]netip.AddrPort, error) {
	ips, err := c.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	out := make([]netip.AddrPort, 0, len(ips))
	for _, ip := range ips {
		out = append(out, netip.AddrPortFrom(ip.Unmap(), port))
	}
	return out, nil
}

func defaultPort(t target) uint16 {
	switch {
	case t.port != 0:
		return uint16(t.port)
	case t.network == "TLS":
		return 5061
	}
	return 5060
}

// hostport writes an address as SIP does, IPv6 in brackets.
func hostport(a netip.AddrPort) string {
	if a.Addr().Is6() {
		return "[" + a.Addr().String() + "]:" + strconv.Itoa(int(a.Port()))
	}
	return a.String()
}
