package xmpp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// session is one client's stream at core.
type session struct {
	s      *Server
	ctx    context.Context
	link   net.Conn
	out    *outlet
	domain string
	client string // address, as edge saw it
	trace  string

	foreign bool // the edge that opened the stream may not speak for the domain

	at     Node   // guarded by the server's lock
	header []byte // the client's, for each node anew
	moves  int
	d      *dialogue

	mu   sync.Mutex
	node net.Conn
	over *Fault
}

// maxMoves bounds how often a stream follows nodes that refer to each other.
const maxMoves = 3

// run is the whole stream; the caller closes the link.
func (c *session) run() {
	err := c.serve()
	c.mu.Lock()
	node, over := c.node, c.over
	c.mu.Unlock()
	f := asFault(err)
	if over != nil {
		f, err = over, over
	}
	switch {
	case errors.Is(err, errEnded):
		c.out.bye()
	case f != nil:
		c.out.fail(f)
	}
	if node != nil {
		node.Close()
	}
	c.report(err, f)
}

func (c *session) report(err error, f *Fault) {
	user := ""
	if c.d != nil {
		user = c.d.user
	}
	if f == nil {
		c.s.cfg.Log.Info("chat stream ended", "event", "ended", "why", err, "node", c.at.String(), "domain", c.domain,
			"user", user, "client", c.client, "trace", c.trace)
		return
	}
	c.s.denied.Add(1)
	c.s.cfg.Log.Info("chat stream denied", "event", "denied", "rule", f.Condition, "why", f.Error(), "node", c.at.String(),
		"domain", printable(c.domain), "user", user, "client", c.client, "trace", c.trace)
}

// end ends the stream from without.
func (c *session) end(f *Fault) {
	c.mu.Lock()
	if c.over == nil {
		c.over = f
	}
	node := c.node
	c.mu.Unlock()
	c.out.fail(f)
	if node != nil {
		node.Close()
	}
	c.link.Close()
}

func (c *session) serve() error {
	l := c.s.limits
	client := NewSplitter(c.link, l.LoginBytes)
	client.budget = c.s.held
	defer client.let()
	p, err := opening(client)
	if err != nil {
		return err
	}
	if err := meant(p, c.domain); err != nil {
		return err
	}
	list, served := c.s.plan.Load().Domains[c.domain]
	if !served {
		return &Fault{Condition: condHostUnknown, Err: fmt.Errorf("%s is not served here", printable(c.domain))}
	}
	if c.foreign {
		return &Fault{Condition: condHostUnknown, Err: fmt.Errorf("this edge does not serve %s", printable(c.domain))}
	}
	c.header = slices.Clone(p.Raw)
	c.d = &dialogue{
		domain: c.domain, failures: l.Failures, client: client, toClient: c.out,
		offered: c.offered, begin: c.begin, proven: c.proven,
		heard: c.heard,
	}
	if err := c.reach(c.s.nodes.order(list)); err != nil {
		return err
	}
	if err := c.d.login(); err != nil {
		return err
	}
	return c.stay(client)
}

// stay relays once the client has logged in.
func (c *session) stay(client *Splitter) error {
	c.s.logins.Add(1)
	c.s.cfg.Log.Info("chat stream allowed", "event", "allowed", "rule", "domain "+c.domain, "node", c.at.String(),
		"mechanism", printable(c.d.mechanism), "user", c.d.user, "client", c.client, "trace", c.trace)
	c.mu.Lock()
	node := c.node
	c.mu.Unlock()
	r := &relay{
		limits: c.s.limits, client: client, from: c.link, server: c.d.server, to: node,
		toClient: c.out, count: &c.s.traffic,
	}
	return r.run()
}

// reach opens the stream to the first of the nodes that answers.
func (c *session) reach(list []Node) error {
	err := errNoNode
	for _, n := range list {
		conn, cerr := c.s.connect(c.ctx, n, c.domain)
		if c.ctx.Err() == nil {
			c.s.nodes.tried(n, cerr)
		}
		if cerr == nil {
			return c.use(n, conn)
		}
		c.s.cfg.Log.Warn("chat node", "event", "failed", "node", n.String(), "domain", c.domain, "err", cerr, "trace", c.trace)
		err = cerr
	}
	return &Fault{Condition: condRemoteFailed, Err: err}
}

// use makes a node the one that the client talks to.
func (c *session) use(n Node, conn net.Conn) error {
	l := c.s.limits
	c.mu.Lock()
	old := c.node
	c.node = conn
	over := c.over
	c.mu.Unlock()
	if old != nil {
		old.Close()
	}
	if over != nil {
		return over
	}
	if err := c.s.settle(c, n); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(l.Login))
	c.d.server = NewSplitter(conn, l.StanzaBytes)
	c.d.toServer = timed{conn, l.Write}
	if _, err := c.d.toServer.Write(c.header); err != nil {
		return lostServer(err)
	}
	return nil
}

// offered follows hints to another node of the domain. The client has a header
// already, so the new node's is kept from it.
func (c *session) offered(hosts []string) (moved bool, err error) {
	list := c.s.plan.Load().Domains[c.domain]
	if c.moves >= maxMoves || slices.ContainsFunc(hosts, c.at.is) {
		return false, nil
	}
	to := pick(list, hosts)
	if len(to) == 0 {
		return false, nil
	}
	c.moves++
	if err := c.reach(to); err != nil {
		return false, err
	}
	p, err := opening(c.d.server)
	if err == nil && p.Kind != Header {
		err = errors.New("the node begins without a header")
	}
	if err != nil {
		return false, lostServer(err)
	}
	return true, nil
}

// pick are the nodes of a list that hosts name, in the order of hosts.
func pick(list []Node, hosts []string) (out []Node) {
	for _, h := range hosts {
		if i := slices.IndexFunc(list, func(n Node) bool { return n.is(h) }); i >= 0 {
			out = append(out, list[i])
		}
	}
	return out
}

// proven takes the login out of those that may be guesses.
func (c *session) proven() {
	if told := c.s.cfg.Proven; told != nil {
		told(c.domain, c.d.user, c.client)
	}
}

// begin takes a user's login to one of the nodes that it is at home on.
func (c *session) begin(user, mechanism string) error {
	if try := c.s.cfg.MayTry; try != nil && !try(c.domain, user, c.client) {
		c.s.denied.Add(1)
		c.s.cfg.Log.Info("chat login denied", "event", "denied", "rule", "limits", "why", "too many wrong logins", "domain", c.domain,
			"user", user, "client", c.client, "trace", c.trace)
		return errTooOften
	}
	if c.s.cfg.Home == nil {
		return nil
	}
	hosts, err := c.s.cfg.Home(c.ctx, c.domain, user)
	if err != nil {
		c.s.denied.Add(1)
		c.s.cfg.Log.Info("chat login denied", "event", "denied", "rule", "login", "why", err, "domain", c.domain,
			"user", user, "client", c.client, "trace", c.trace)
		return c.unwelcome(user, mechanism)
	}
	if len(hosts) == 0 {
		return nil
	}
	moved, err := c.offered(hosts)
	if err != nil || !moved {
		return err
	}
	p, err := opening(c.d.server)
	if err == nil && !p.Is(nsStream, "features") {
		err = errors.New("the node begins without features")
	}
	if err != nil {
		return lostServer(err)
	}
	return nil
}

// heard learns how nodes treat those whom they know, for those who are to be
// treated likewise without them.
func (c *session) heard(said Piece, at step) {
	took := time.Since(c.d.asking)
	switch {
	case said.Is(nsSASL, "failure"):
		c.s.refusals.learn(manners{c.domain, at}, took, said.Raw)
	case at == first && isSCRAM(c.d.mechanism):
		if t, ok := readTask(said.Raw); ok {
			c.s.challenges.learn(manners{c.domain, at}, took, nil)
			c.s.decoys.learn(c.domain, c.d.user, strings.ToUpper(c.d.mechanism), c.d.hello, t)
		}
	}
}

// unwelcome refuses a user without a login as a node would.
func (c *session) unwelcome(user, mechanism string) *unwelcome {
	if !isSCRAM(mechanism) {
		return &unwelcome{words: func() string { return c.s.refusals.like(c.ctx, manners{c.domain, first}) }}
	}
	c.s.challenges.like(c.ctx, manners{c.domain, first})
	t := c.s.decoys.make(c.domain, user, strings.ToUpper(mechanism), c.d.hello)
	return &unwelcome{&t, func() string { return c.s.refusals.like(c.ctx, manners{c.domain, later}) }}
}
