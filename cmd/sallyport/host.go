package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sallyport/appliance"
	"sallyport/appliance/config"
	"sallyport/board"
	"sallyport/board/boot"
	"sallyport/board/clock"
	"sallyport/board/nic"
	"sallyport/board/slot"
	"sallyport/board/steward"
)

// host is the machine under the node: what the configuration says of network,
// clock and name becomes real there, and what the administrator asks of the
// machine is done, all of it by the steward, who has the rights for it.
type host struct {
	log     *slog.Logger
	store   *config.Store
	release board.Release
	steward *steward.Client
	clock   *clock.Clock
	role    string
	name    string // as it was last told to process 1
	running string // the slot that was started
	places  places

	mu       sync.Mutex
	planErr  error // what of the configuration makes no network
	slots    []slot.Slot
	unproven []string // zones without whose link an update was kept
}

var _ appliance.Host = (*host)(nil)

// newHost makes the host of a node that does not exist yet; join gives it.
func newHost(role string, release board.Release) *host {
	return &host{role: role, release: release, places: places{path: filepath.Join(boot.NodeDir, "interfaces.json")}}
}

// join begins to serve a node.
func (h *host) join(ctx context.Context, n *appliance.Node) {
	h.log, h.store = n.Log(), n.Store()
	h.steward = steward.NewClient(boot.StewardSocket, h.log, h.leased)
	h.clock = clock.New(clock.Config{Log: h.log, Set: h.steward.SetClock, Slew: h.steward.SlewClock, Note: h.steward.NoteClock})
	if err := h.steward.Await(ctx); err != nil {
		h.log.Error("machine", "err", err)
	}
	h.readSlots()
}

// readSlots looks at the boot partition. It changes only when the machine
// starts, is blessed or is updated.
func (h *host) readSlots() {
	all, running, err := h.steward.Slots()
	if err != nil {
		h.log.Warn("slots", "err", err)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slots, h.running = all, running
}

func (h *host) slotList() []slot.Slot {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.slots
}

// proven notes what an update on trial is kept without.
func (h *host) proven(unlinked []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.slots {
		if s.Name == h.running && s.State == slot.Trial {
			h.unproven = unlinked
		}
	}
}

// relinked forgets the zones whose link has come up since.
func (h *host) relinked(unlinked []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.unproven = slices.DeleteFunc(h.unproven, func(z string) bool { return !slices.Contains(unlinked, z) })
}

func (h *host) unprovenZones() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.unproven, ", ")
}

// fault is what of the network is not as configured; applied is what the steward
// says of it.
func (h *host) fault(applied error) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := errors.Join(h.planErr, applied); err != nil {
		return strings.ReplaceAll(err.Error(), "\n", "; ")
	}
	return ""
}

// Upgrade reads a signed update into the slot that does not run.
func (h *host) Upgrade(ctx context.Context, update io.Reader, progress func(done, all int64)) (string, error) {
	version, err := h.steward.Install(ctx, untilDone{ctx, update}, progress)
	h.readSlots()
	return version, err
}

// untilDone ends a read when its context does.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u untilDone) Read(b []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(b)
}

// Reboot restarts the machine. The answer reaches the administrator before the
// node ends, since it says goodbye first.
func (h *host) Reboot() error { return h.steward.Reboot() }

// Reset has process 1 forget what the level says once the node has ended.
func (h *host) Reset(level int) error { return h.steward.Reset(level) }

// leased notes what a DHCP server gave.
func (h *host) leased(l nic.Lease) {
	if err := leased(h.store, l); err != nil {
		h.log.Error("DHCP lease not written into the configuration", "err", err)
	}
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
	plan, planErr := networkPlan(snap, h.role)
	if err := errors.Join(planErr, h.steward.Apply(plan)); err != nil {
		h.log.Warn("network not as configured", "err", err)
	}
	h.mu.Lock()
	h.planErr = planErr
	h.mu.Unlock()
	h.clock.Apply(timeServers(snap))
	if name := hostName(snap, h.role); name != h.name {
		h.name = name
		if err := h.steward.Name(name); err != nil {
			h.log.Warn("host name", "err", err)
		}
	}
}
