package edge

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"sallyport/appliance/httpproxy"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// newGate joins the HTTPS gate to the link: requests go on streams to a core
// of the zone that carries their domain's remote access.
func (e *Edge) newGate() *httpproxy.Gate {
	tap, _ := e.cfg.Tap.(httpproxy.Tap) // one tap may follow both planes
	return httpproxy.NewGate(httpproxy.GateConfig{
		Log: e.log, Clock: e.clock, Tap: tap,
		TLS:   e.cfg.Trust.ServerConfig(trust.HTTPSOutside),
		Trace: func() string { return strconv.FormatUint(e.rand(), 16) },
		Zone:  e.webZone,
		Open: func(ctx context.Context, zone string, core uint64) (net.Conn, error) {
			return e.links.Open(ctx, traversal.StreamRequest{Zone: zone, Peer: traversal.PeerID(core), Kind: "http"})
		},
		Core: e.webCore, Face: e.webFace, Ticket: e.ticket, Device: e.device, Closed: e.closedForSignIns,
		OnListen: func(addr netip.AddrPort, err error) {
			e.alarms.Set(xapi.AlarmListener, "HTTPS "+addr.String(), err != nil, fmt.Sprintf("HTTPS %s: %v", addr, err))
		},
	})
}

// webZone is the zone of a domain's requests; those of a domain that edge does
// not know go where core will refuse them.
func (e *Edge) webZone(domain string) string {
	plan := e.plan.Load()
	d, _ := plan.Domain(domain)
	return plan.Zone(d)
}

// webCore picks a core of a zone for a client's requests.
func (e *Edge) webCore(zone string, want uint64, client string) uint64 {
	if p, up := e.links.Peer(zone, traversal.PeerID(want)); want != 0 && up {
		return uint64(p.ID)
	}
	c, err := e.links.Conn(zone, 0, client)
	if err != nil {
		return 0
	}
	return uint64(c.Peer())
}

// webFace is what core may tell clients of this edge: the ports that it serves
// under a name of its own, and what their SIP requests are to carry as Route.
func (e *Edge) webFace(_, domain, host string) (f httpproxy.Face, ok bool) {
	if !e.cfg.Trust.Bears(host) {
		return f, false
	}
	plan := e.plan.Load()
	f.HTTPS = plan.HTTPSPort
	if plan.Chat[domain] {
		f.XMPP = plan.XMPPPort
	}
	if _, served := plan.Domain(domain); served && plan.TLSOn {
		f.SIP = plan.TLSPort
		at := face{host: host, port: plan.TLSPort, transport: "tls"}
		f.Route = at.uri(e.tokens.preload(domain), ";lr")
	}
	if _, served := plan.Domain(domain); served && plan.TURNPort != 0 {
		f.TURN, f.TURNTLS, f.TURNKey = plan.TURNPort, plan.TURNTLS, string(e.turn.Key(domain))
	}
	return f, true
}

// methodTicket is the question of an edge what a login cookie is worth.
const methodTicket = "login.ticket"

func (e *Edge) ticket(ctx context.Context, zone string, core uint64, domain, cookie string) (t httpproxy.Ticket, err error) {
	in, err := json.Marshal(httpproxy.TicketQuestion{Domain: domain, Cookie: cookie})
	if err != nil {
		return t, err
	}
	out, err := e.links.Call(ctx, zone, traversal.PeerID(core), methodTicket, in)
	if err != nil {
		return t, err
	}
	return t, json.Unmarshal(out, &t)
}
