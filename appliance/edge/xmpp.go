package edge

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
)

// newChat joins the chat gate to the link: each client's stream goes on one of
// the link to a core of the zone that carries its domain.
func (e *Edge) newChat() *xmpp.Gate {
	return xmpp.NewGate(xmpp.GateConfig{
		Log: e.log, Clock: e.clock,
		TLS:   e.cfg.Trust.ServerConfig(trust.XMPPOutside),
		Trace: func() string { return strconv.FormatUint(e.rand(), 16) },
		Open: func(ctx context.Context, zone string) (net.Conn, error) {
			return e.links.OpenStream(ctx, e.plan.Load().Zone(Domain{Zone: zone}), "xmpp")
		},
		OnListen: func(addr netip.AddrPort, err error) {
			e.alarms.Set(xapi.AlarmListener, "XMPP "+addr.String(), err != nil, fmt.Sprintf("XMPP %s: %v", addr, err))
		},
	})
}
