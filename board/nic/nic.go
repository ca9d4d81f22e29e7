package nic

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/vishvananda/netlink"
)

// Config is what the network needs of its caller.
type Config struct {
	Log      *slog.Logger
	Hardware func() []string // names of the interfaces in bus order; nil: what sysfs shows
	OnLease  func(Lease)     // called for each lease whose address or gateway is new, sometimes again
	Resolv   string          // file that names the name servers; empty: none is written
}

// Network is the machine's network.
type Network struct {
	cfg  Config
	kick chan struct{}

	mu     sync.Mutex
	plan   Plan
	have   bool // a plan was given
	leases map[int]Lease
	fault  error // of the last try

	leases6 map[int]Lease
	adverts map[int]advert // what the routers of an interface say
	asking  map[question]*asker
	silent  map[question]int // questions in a row that nobody answered

	wall      []Rule // the firewall as it stands
	marks     []Mark
	wallOrder []Rule // as they are asked
	wallNames map[int]string
	walled    bool
}

// New makes the network's keeper. Nothing changes before Apply.
func New(cfg Config) *Network {
	if cfg.Hardware == nil {
		cfg.Hardware = hardware
	}
	return &Network{cfg: cfg, kick: make(chan struct{}, 1), leases: map[int]Lease{},
		leases6: map[int]Lease{}, adverts: map[int]advert{}, asking: map[question]*asker{}, silent: map[question]int{}}
}

// Apply makes a plan real. What fails is told; the rest is done all the same,
// and Run tries again.
func (n *Network) Apply(p Plan) error {
	n.mu.Lock()
	n.plan, n.have = p, true
	select {
	case n.kick <- struct{}{}:
	default:
	}
	err := n.apply()
	known := n.autoLeases()
	n.mu.Unlock()
	for _, l := range known { // the plan may be the first to want them
		n.tell(l)
	}
	return err
}

// Fault is what could not be made real at the last try.
func (n *Network) Fault() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.fault
}

func (n *Network) apply() error {
	if n.have {
		n.fault = n.applyPlan()
	}
	return n.fault
}

func (n *Network) applyPlan() error {
	names, errs := n.names()
	devices := map[int]netlink.Link{}
	for _, l := range n.plan.Links {
		if names[l.LAN] == "" {
			if len(l.Addresses) > 0 || len(l.questions()) > 0 {
				errs = append(errs, fmt.Errorf("LAN %d: the machine has no such interface", l.LAN))
			}
			continue
		}
		d, err := n.applyLink(l, names[l.LAN])
		if d != nil {
			devices[l.LAN] = d
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("LAN %d: %w", l.LAN, err))
		}
	}
	errs = append(errs, n.applyRoutes(devices), n.applyPorts(), n.applyResolv(), n.applyFirewall(devices))
	return errors.Join(errs...)
}

// retry is how soon a plan that could not be made real is tried again.
const retry = 10 * time.Second

// Run asks for leases, listens to routers, and follows the hardware until ctx ends.
func (n *Network) Run(ctx context.Context) error {
	var work sync.WaitGroup
	defer work.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	links := make(chan netlink.LinkUpdate, 16)
	if err := netlink.LinkSubscribe(links, ctx.Done()); err != nil {
		return err
	}
	tick := time.NewTicker(retry)
	defer tick.Stop()
	known := map[string]bool{}
	for {
		n.startAskers(ctx, &work)
		select {
		case <-ctx.Done():
			return nil
		case <-n.kick:
			continue
		case u, ok := <-links:
			if !ok {
				links = nil
				continue
			}
			name := u.Attrs().Name
			if known[name] {
				continue
			}
			known[name] = true
		case <-tick.C:
		}
		n.again()
	}
}

func (n *Network) again() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.apply(); err != nil {
		n.cfg.Log.Warn("network not as configured", "err", err)
	}
}

// applyFirewall replaces the rules, if they or what they name differ.
func (n *Network) applyFirewall(devices map[int]netlink.Link) error {
	names := map[int]string{}
	for lan, d := range devices {
		names[lan] = d.Attrs().Name
	}
	if n.walled && slices.Equal(n.wall, n.plan.Firewall) && slices.Equal(n.marks, n.plan.Marks) && maps.Equal(n.wallNames, names) {
		return nil
	}
	order, err := firewall(n.plan.Firewall, n.plan.Marks, names)
	if err != nil && len(n.plan.Marks) > 0 { // marks are a favour, rules are not
		n.cfg.Log.Warn("packets are not marked: this kernel cannot", "err", err)
		order, err = firewall(n.plan.Firewall, nil, names)
	}
	if err != nil {
		if len(n.plan.Firewall) == 0 && len(n.wall) == 0 {
			return nil // there is nothing to take away from a kernel without one
		}
		return err
	}
	n.wall, n.marks, n.wallOrder, n.wallNames, n.walled = n.plan.Firewall, n.plan.Marks, order, names, true
	return nil
}

// applyPorts sets the range that connections of the machine's own come from.
func (n *Network) applyPorts() error {
	if n.plan.PortFirst == 0 {
		return nil
	}
	return sysctl("net/ipv4/ip_local_port_range", fmt.Sprintf("%d\t%d", n.plan.PortFirst, n.plan.PortLast))
}

// sysctl writes a kernel value if it differs.
func sysctl(name, value string) error {
	path := "/proc/sys/" + name
	have, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if string(have) == value+"\n" {
		return nil
	}
	return os.WriteFile(path, []byte(value), 0)
}

// applyResolv names the name servers for what asks the machine's own resolver.
func (n *Network) applyResolv() error {
	if n.cfg.Resolv == "" {
		return nil
	}
	var text string
	if n.plan.Search != "" {
		text = "search " + n.plan.Search + "\n"
	}
	servers := n.plan.DNS
	if len(servers) == 0 {
		servers = n.learnedDNS()
	}
	for _, a := range servers {
		text += "nameserver " + a.String() + "\n"
	}
	if have, err := os.ReadFile(n.cfg.Resolv); err == nil && string(have) == text {
		return nil
	}
	return os.WriteFile(n.cfg.Resolv, []byte(text), 0o644)
}
