package appliance

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// nameServers answers names by the configured servers, or by the machine's
// own resolver while there are none. It may be used from any goroutine.
type nameServers struct {
	list atomic.Pointer[[]string]
	next atomic.Uint32
}

func (s *nameServers) apply(snap *config.Snapshot) (servers []netip.AddrPort) {
	var list []string
	for _, i := range snap.Indexes(xapi.DNSServerAddress.Item) {
		if a := snap.Str(xapi.DNSServerAddress, i); a != "" {
			list = append(list, net.JoinHostPort(a, "53"))
			if addr, err := netip.ParseAddr(a); err == nil {
				servers = append(servers, netip.AddrPortFrom(addr, 53))
			}
		}
	}
	s.list.Store(&list)
	return servers
}

// resolver asks the servers in turn: a retry of the library goes to the next.
func (s *nameServers) resolver() *net.Resolver {
	var d net.Dialer
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
		if list := s.list.Load(); list != nil && len(*list) > 0 {
			address = (*list)[int(s.next.Add(1)-1)%len(*list)]
		}
		return d.DialContext(ctx, network, address)
	}}
}
