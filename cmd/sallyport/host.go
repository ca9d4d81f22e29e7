package main

import (
	"context"
	"log/slog"

	"sallyport/appliance"
	"sallyport/appliance/config"
	"sallyport/board/boot"
	"sallyport/board/clock"
	"sallyport/board/nic"
)

// host is the machine in the node's hands: what the configuration says of
// network, clock and name becomes real there.
type host struct {
	log     *slog.Logger
	store   *config.Store
	network *nic.Network
	clock   *clock.Clock
	role    string
	name    string // as it was last told to process 1
	plan    nic.Plan
}

func newHost(n *appliance.Node) *host {
	h := &host{log: n.Log(), store: n.Store(), role: n.Role().String()}
	h.network = nic.New(nic.Config{Log: h.log, Resolv: "/etc/resolv.conf", OnLease: func(l nic.Lease) {
		if err := leased(h.store, l); err != nil {
			h.log.Error("DHCP lease not written into the configuration", "err", err)
		}
	}})
	h.clock = clock.New(clock.Config{Log: h.log, File: boot.ClockFile})
	return h
}

// follow applies each new snapshot until ctx ends.
func (h *host) follow(ctx context.Context) error {
	w := h.store.Watch()
	defer w.Close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-w.C():
			h.apply(h.store.Snapshot())
		}
	}
}

func (h *host) apply(snap *config.Snapshot) {
	plan, err := networkPlan(snap)
	if err != nil {
		h.log.Warn("network configuration", "err", err)
	}
	if !plan.Equal(h.plan) {
		h.plan = plan
		if err := h.network.Apply(plan); err != nil {
			h.log.Warn("network not as configured", "err", err)
		}
	}
	h.clock.Apply(timeServers(snap))
	if name := hostName(snap, h.role); name != h.name {
		h.name = name
		if _, err := boot.Ask("hostname " + name); err != nil {
			h.log.Warn("host name", "err", err)
		}
	}
}
