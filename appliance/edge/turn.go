package edge

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"
	"net/netip"

	"sallyport/appliance/trust"
	"sallyport/appliance/turn"
	"sallyport/appliance/xapi"
)

// newTURN makes the TURN server. Its secret comes from the node's own key, so
// that credentials outlive a restart and nobody else can make any.
func (e *Edge) newTURN() *turn.Server {
	secret, err := hkdf.Key(sha256.New, e.cfg.HostKey, nil, "turn credentials", 32)
	if err != nil {
		panic(err) // 32 bytes are never too many
	}
	return turn.New(turn.Config{
		Log: e.log, Clock: e.clock, Secret: secret,
		TLS: e.cfg.Trust.ServerConfig(trust.TURNOutside),
		OnListen: func(network string, addr netip.AddrPort, err error) {
			name := fmt.Sprintf("TURN %s %s", network, addr)
			e.alarms.Set(xapi.AlarmListener, name, err != nil, fmt.Sprintf("%s: %v", name, err))
		},
	})
}
