package xmpp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Node is a presence node inside. It is comparable.
type Node struct {
	Host   string // address or name, lower case
	Port   uint16
	TLS    bool // STARTTLS; else in the clear
	Verify bool // the node's certificate
}

// String is the node as logs name it; "" for none.
func (n Node) String() string {
	if n.Host == "" {
		return ""
	}
	return net.JoinHostPort(n.Host, strconv.Itoa(int(n.Port)))
}

func (n Node) is(host string) bool { return strings.EqualFold(n.Host, bareHost(host)) }

// connect opens a connection to a node, made secure if it shall be, on which
// the client's own stream can begin.
func (s *Server) connect(ctx context.Context, n Node, domain string) (net.Conn, error) {
	ctx, stop := context.WithTimeout(ctx, s.limits.Connect)
	defer stop()
	conn, err := s.cfg.Dial(ctx, "tcp", n.String())
	if err != nil {
		return nil, err
	}
	mark(conn, s.plan.Load().DSCP)
	if !n.TLS {
		return conn, nil
	}
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if err := startTLS(conn, domain); err != nil {
		conn.Close()
		return nil, fmt.Errorf("STARTTLS: %w", err)
	}
	secure := tls.Client(conn, s.cfg.TLS(n, domain))
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("TLS: %w", err)
	}
	return secure, nil
}

// startTLS asks a node for TLS. Bytes that come with its consent are not taken:
// whoever stands between could have put them there.
func startTLS(conn net.Conn, domain string) error {
	s := NewSplitter(conn, headSize)
	if _, err := conn.Write([]byte(callStream(domain))); err != nil {
		return err
	}
	if p, err := opening(s); err != nil || p.Kind != Header {
		return errors.Join(err, errors.New("no stream header"))
	}
	p, err := opening(s)
	if err != nil {
		return err
	}
	if !p.Is(nsStream, "features") {
		return fmt.Errorf("<%s/> in place of features", p.Name.Local)
	}
	o, err := features(p, s.ns)
	if err != nil {
		return err
	}
	if !o.startTLS {
		return errors.New("the node offers none; set the transport of the node to TCP if it shall go without")
	}
	if _, err := conn.Write([]byte(askTLS)); err != nil {
		return err
	}
	if p, err = opening(s); err != nil {
		return err
	}
	if !p.Is(nsTLS, "proceed") || len(s.Rest()) > 0 {
		return errors.New("no plain consent")
	}
	return nil
}

// nodes remembers how nodes fared.
type nodes struct {
	clock func() time.Time
	told  func(Node, error)

	mu  sync.Mutex
	all map[Node]*health
}

type health struct {
	err   error     // of the last try
	since time.Time // of err, or of its absence
}

// retry is how long a node that failed is asked after the others.
const retry = 30 * time.Second

// order puts nodes that failed a moment ago behind the others.
func (h *nodes) order(list []Node) []Node {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := h.clock()
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(a, b Node) int { return h.rankLocked(a, now) - h.rankLocked(b, now) })
	return list
}

func (h *nodes) rankLocked(n Node, now time.Time) int {
	if known := h.all[n]; known != nil && known.err != nil && now.Sub(known.since) < retry {
		return 1
	}
	return 0
}

// tried notes how a try went.
func (h *nodes) tried(n Node, err error) {
	h.mu.Lock()
	known := h.all[n]
	if known == nil {
		h.mu.Unlock()
		return // not in the plan any more
	}
	changed := (known.err == nil) != (err == nil)
	if changed || err != nil {
		known.since = h.clock()
	}
	known.err = err
	h.mu.Unlock()
	if changed && h.told != nil {
		h.told(n, err)
	}
}

// keep forgets nodes that a plan does not name and meets new ones.
func (h *nodes) keep(p Plan) {
	h.mu.Lock()
	var gone []Node
	wanted := map[Node]bool{}
	for _, list := range p.Domains {
		for _, n := range list {
			wanted[n] = true
			if h.all[n] == nil {
				h.all[n] = &health{since: h.clock()}
			}
		}
	}
	for n, known := range h.all {
		if wanted[n] {
			continue
		}
		delete(h.all, n)
		if known.err != nil {
			gone = append(gone, n)
		}
	}
	h.mu.Unlock()
	for _, n := range gone {
		if h.told != nil {
			h.told(n, nil)
		}
	}
}

func (h *nodes) get(n Node) health {
	h.mu.Lock()
	defer h.mu.Unlock()
	if known := h.all[n]; known != nil {
		return *known
	}
	return health{}
}
