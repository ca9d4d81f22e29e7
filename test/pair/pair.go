// Package pair puts a whole sally port on loopback into one process: edge,
// core, the stub UC world behind them, and softphones before them. cmd/lab
// shows it to a person; stories drive it in tests.
//
//	phones 127.10.9.x ──▶ edge 127.10.0.1 │ 127.10.1.1 ◀── core 127.10.1.2 ──▶ UC world 127.10.2.x
//
// A Config may move it from 127.10 elsewhere, so that several processes can
// have one each.
package pair

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"time"

	"sallyport/appliance"
	"sallyport/appliance/overload"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/lab"
)

// What a pair is called, and where its shells listen.
const (
	EdgeName  = "edge.example.com"
	CoreName  = "core.example.com"
	Domain    = "example.com"
	ShellPort = 2022
)

// Config says what kind of pair is wanted; its zero value will do.
type Config struct {
	Dir      string       // for the nodes' data; "" = a directory that Close removes
	Net      string       // first two bytes of every address; "" = DefaultNet
	Listen   netip.Addr   // edge's outside address; invalid = 0.1 of Net
	LogOut   io.Writer    // both nodes' logs as text; nil = nobody
	Path     lab.PathMode // what the registrar does with Path; PathOff, the zero value, = PathLazy
	NoPath   bool         // the registrar ignores Path, and core rewrites Contact
	Password string       // of the account admin on both nodes; "" = made up
	Edge     []string     // further xConfiguration lines
	Core     []string
	World    func(*lab.WorldConfig)
	Load     func() overload.Reading // how busy the nodes are; nil = not at all, whatever else the machine does
	Measured bool                    // they are as busy as this process, in place of Load
}

// Pair is a running sally port with its world.
type Pair struct {
	Edge, Core *appliance.Node
	World      *lab.World
	CA         []byte // who signed edge's certificate, for clients
	Password   string // of admin
	Outer      netip.Addr

	cfg    Config
	ca     *trust.CA
	tmp    bool
	nodes  []*running
	phones int
}

// New starts everything and waits until the link between the nodes is up; ctx
// bounds the start only. Close ends it.
func New(ctx context.Context, cfg Config) (*Pair, error) {
	p := &Pair{cfg: cfg, Password: cfg.Password, Outer: cfg.Listen}
	if p.Password == "" {
		p.Password = rand.Text()[:12]
	}
	if p.cfg.Net == "" {
		p.cfg.Net = DefaultNet
	}
	if !p.Outer.IsValid() {
		p.Outer = netip.MustParseAddr(p.at("0.1"))
	}
	if err := p.start(ctx); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func (p *Pair) start(ctx context.Context) error {
	if p.cfg.Dir == "" {
		dir, err := os.MkdirTemp("", "sallyport-lab")
		if err != nil {
			return err
		}
		p.cfg.Dir, p.tmp = dir, true
	}
	var err error
	if p.ca, err = trust.NewCA("sallyport lab", nil); err != nil {
		return err
	}
	p.CA = p.ca.PEM()
	if err := p.startWorld(ctx); err != nil {
		return fmt.Errorf("UC world: %w", err)
	}
	if p.Edge, err = p.Add(Spec{xapi.Edge, "edge", p.edgeLines(), []string{EdgeName}, []string{p.Outer.String(), p.EdgeInner()}}); err != nil {
		return err
	}
	if p.Core, err = p.Add(Spec{xapi.Core, "core", p.coreLines(), []string{CoreName}, []string{p.CoreAddr()}}); err != nil {
		return err
	}
	return p.AwaitLink(ctx)
}

func (p *Pair) startWorld(ctx context.Context) error {
	wc, err := p.WorldConfig(Domain, netip.MustParseAddr(p.at("2.0")))
	if err != nil {
		return err
	}
	wc.Core = netip.AddrPortFrom(netip.MustParseAddr(p.CoreAddr()), 5060)
	if p.cfg.World != nil {
		p.cfg.World(&wc)
	}
	p.World, err = lab.NewWorld(ctx, wc)
	return err
}

// WorldConfig describes a world in the /24 of net, whose certificate core
// trusts.
func (p *Pair) WorldConfig(domain string, net netip.Addr) (lab.WorldConfig, error) {
	b := net.As4()
	ips := []string{}
	for _, n := range []byte{1, 20, 30} {
		b[3] = n
		ips = append(ips, netip.AddrFrom4(b).String())
	}
	for _, a := range lab.ClusterAddrs(net) {
		ips = append(ips, a.String())
	}
	cert, key, err := p.ca.Issue(trust.IssueOptions{
		Names: []string{"ucm." + domain, "web." + domain, "imp." + domain}, IPs: ips, Server: true, Client: true,
	})
	mode := p.cfg.Path
	switch {
	case p.cfg.NoPath:
		mode = lab.PathOff
	case mode == lab.PathOff:
		mode = lab.PathLazy
	}
	return lab.WorldConfig{Domain: domain, Path: mode, Cert: cert, Key: key, CA: p.CA, Net: net}, err
}

// AwaitLink waits until every node has a peer.
func (p *Pair) AwaitLink(ctx context.Context) error {
	return poll(ctx, func() error {
		for _, r := range p.nodes {
			if err := linkUp(ctx, r.node); err != nil {
				return err
			}
		}
		return nil
	})
}

func linkUp(ctx context.Context, n *appliance.Node) error {
	tunnels, err := n.Status(ctx, "Tunnels")
	if err != nil {
		return err
	}
	up := false
	tunnels.Walk(func(path string, leaf *xapi.Node) {
		up = up || strings.HasSuffix(path, "Status") && leaf.Value == "Active"
	})
	if !up {
		return fmt.Errorf("%s has no link", n.Name())
	}
	return nil
}

// AwaitApplied waits until a node's newest settings are in force.
func AwaitApplied(ctx context.Context, n *appliance.Node) error {
	return poll(ctx, func() error {
		if !n.Applied() {
			return fmt.Errorf("%s has settings that are not in force", n.Name())
		}
		return nil
	})
}

// poll asks until there is no error or ctx ends; then the last error counts.
func poll(ctx context.Context, ask func() error) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		case <-tick.C:
		}
	}
}

// Close ends nodes and world and removes what was made for them.
func (p *Pair) Close() error {
	var errs []error
	for _, r := range slices.Backward(p.nodes) {
		errs = append(errs, r.stop())
	}
	if p.World != nil {
		p.World.Close()
	}
	if p.tmp {
		errs = append(errs, os.RemoveAll(p.cfg.Dir))
	}
	return errors.Join(errs...)
}
