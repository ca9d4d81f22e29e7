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

// newGate joins the HTTPS gate to the link: each request becomes a stream to
// a core of the zone that carries remote access.
func (e *Edge) newGate() *httpproxy.Gate {
	return httpproxy.NewGate(httpproxy.GateConfig{
		Log:   e.log,
		TLS:   e.cfg.Trust.ServerConfig(trust.HTTPSOutside),
		Trace: func() string { return strconv.FormatUint(e.rand(), 16) },
		Open: func(ctx context.Context) (net.Conn, error) {
			plan := e.plan.Load()
			return e.links.OpenStream(ctx, plan.Zone(Domain{}), "http")
		},
		OnListen: func(addr netip.AddrPort, err error) {
			e.alarms.Set(xapi.AlarmListener, "HTTPS "+addr.String(), err != nil, fmt.Sprintf("HTTPS %s: %v", addr, err))
		},
	})
}
