package edge

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"sallyport/appliance/httpproxy"
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
		Open: func(ctx context.Context, zone string) (net.Conn, error) {
			return e.links.OpenStream(ctx, zone, "http")
		},
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
