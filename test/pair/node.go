package pair

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"sallyport/appliance"
	"sallyport/appliance/overload"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// Spec is one node of a pair.
type Spec struct {
	Role  xapi.Role
	Name  string   // of the node, and of its directory
	Lines []string // xConfiguration lines that its first start begins with
	Hosts []string // the names in its certificate
	IPs   []string // the addresses in its certificate
}

// running is a node and what ends it; stopped, it has no cancel.
type running struct {
	spec   Spec
	node   *appliance.Node
	cancel context.CancelFunc
	ended  chan error
}

// Add makes one more node, gives it a certificate and runs it until Close.
func (p *Pair) Add(s Spec) (*appliance.Node, error) {
	r := &running{spec: s}
	if err := p.launch(r); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	p.nodes = append(p.nodes, r)
	return r.node, nil
}

// AddCore makes a second core, core2 at 1.3, with the first one's settings and
// further lines, and waits until it is linked.
func (p *Pair) AddCore(ctx context.Context, lines ...string) (*appliance.Node, error) {
	addr := p.at("1.3")
	n, err := p.Add(Spec{xapi.Core, "core2", append(append(p.coreLines(), lines...),
		`xConfiguration SystemUnit Name: "core2"`,
		`xConfiguration IP DNS Hostname: "core2"`,
		`xConfiguration Ethernet 1 IP V4 Address: "`+addr+`"`,
	), []string{"core2.example.com", CoreName}, []string{addr}})
	if err != nil {
		return nil, err
	}
	return n, AwaitApplied(ctx, n)
}

// load is what the nodes are told of how busy they are; nil has them measure it.
func (p *Pair) load() func() overload.Reading {
	switch {
	case p.cfg.Measured:
		return nil
	case p.cfg.Load == nil:
		return func() overload.Reading { return overload.Reading{} }
	}
	return p.cfg.Load
}

func (p *Pair) launch(r *running) error {
	n, err := appliance.New(appliance.Config{
		Role: r.spec.Role, Dir: filepath.Join(p.cfg.Dir, r.spec.Name), Name: r.spec.Name, Version: "lab",
		First: strings.Join(r.spec.Lines, "\n"), LogOut: p.cfg.LogOut, Load: p.load(),
	})
	if err != nil {
		return err
	}
	if r.node == nil {
		err = p.certify(n, r.spec)
	}
	if err != nil {
		n.Close()
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r.node, r.cancel, r.ended = n, cancel, make(chan error, 1)
	go func() { r.ended <- n.Run(ctx) }() // stop waits for it
	return nil
}

func (p *Pair) certify(n *appliance.Node, s Spec) error {
	cert, key, err := p.ca.Issue(trust.IssueOptions{Names: s.Hosts, IPs: s.IPs, Server: true, Client: true})
	if err == nil {
		err = n.Trust().InstallServer(cert, key)
	}
	if err == nil {
		err = n.Trust().InstallCA(p.CA)
	}
	return err
}

func (r *running) stop() error {
	if r.cancel == nil {
		return nil
	}
	r.cancel()
	r.cancel = nil
	return <-r.ended
}

// Stop ends the node of a name, as if its power were cut for everyone else.
func (p *Pair) Stop(name string) error {
	r, err := p.named(name)
	if err != nil {
		return err
	}
	return r.stop()
}

// Start runs a node again that was stopped, on what it kept. Edge and Core
// name the new one.
func (p *Pair) Start(name string) error {
	r, err := p.named(name)
	if err != nil {
		return err
	}
	if err := p.launch(r); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	switch name {
	case "edge":
		p.Edge = r.node
	case "core":
		p.Core = r.node
	}
	return nil
}

func (p *Pair) named(name string) (*running, error) {
	for _, r := range p.nodes {
		if r.spec.Name == name {
			return r, nil
		}
	}
	return nil, fmt.Errorf("there is no node %s", name)
}

// Sign has the pair's authority issue the certificate that a request asks for.
func (p *Pair) Sign(csr []byte) ([]byte, error) {
	return p.ca.Sign(csr, trust.IssueOptions{Server: true, Client: true})
}
