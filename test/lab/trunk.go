package lab

import (
	"net/netip"
	"time"
)

// overTrunk sends a request for another domain to the far end of its trunk.
func (r *Registrar) overTrunk(t *serverTx, to netip.AddrPort) {
	r.background(func() {
		l, err := r.connect(r.life, "TCP", to, "", r.addrs["TCP"].Addr())
		if err != nil {
			t.reply(503, "Trunk Is Down", randomHex(5))
			return
		}
		r.relay(t, []hop{{uri: t.req.URI(), link: l}}, t.req.Method() == "INVITE")
	})
}

// RoomDomain is core's own domain in the lab, where RoomUser registers.
const (
	RoomDomain   = "rooms.example.net"
	RoomUser     = "room"
	RoomPassword = "room-secret"
	RoomTone     = 330
)

// PartnerDomain is another company's.
const PartnerDomain = "partner.example.org"

// RoomPhone is an endpoint inside that registers at core itself: UDP, plain RTP,
// answering by itself. It is not started, and who asked for it closes it.
func (w *World) RoomPhone(core netip.AddrPort, change ...func(*PhoneConfig)) (*Phone, error) {
	cfg := PhoneConfig{User: RoomUser, Password: RoomPassword, Domain: RoomDomain, Transport: "UDP", Listen: true,
		Server: core, Local: w.host(40), Tone: RoomTone, AutoAnswer: true, Expires: time.Minute, Log: w.cfg.Log}
	for _, f := range change {
		f(&cfg)
	}
	return NewPhone(cfg)
}
