package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// A Host is one UC server of the inside with the ports that its stubs share:
// AXL, UDS and log-in of one node all answer on 8443. Faults are the machine's,
// so every stub on it has them.
type Host struct {
	Addr netip.Addr
	TLS  *tls.Config

	mux     *http.ServeMux
	serving sync.WaitGroup

	mu      sync.Mutex // guards all below
	ports   []servedPort
	servers map[netip.AddrPort]*http.Server
	fault   Fault
	seen    []string
}

type servedPort struct {
	addr netip.AddrPort
	tls  bool
}

// A Fault is what ails a host; the zero value is none.
type Fault struct {
	Status int           // every request is answered with it, 503 and the like
	Delay  time.Duration // every request waits
}

// NewHost makes a host that listens nowhere yet; TLS is for its secure ports.
func NewHost(addr netip.Addr, tls *tls.Config) *Host {
	return &Host{Addr: addr, TLS: tls, mux: http.NewServeMux(), servers: map[netip.AddrPort]*http.Server{}}
}

// Handle gives a path of the host to a stub; patterns are those of
// http.ServeMux.
func (h *Host) Handle(pattern string, f http.Handler) { h.mux.Handle(pattern, f) }

// Listen opens ports, secure or plain. It returns where it listens, which is
// news for port 0.
func (h *Host) Listen(secure bool, ports ...uint16) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, p := range ports {
		at, err := h.open(servedPort{netip.AddrPortFrom(h.Addr, p), secure})
		if err != nil {
			return out, err
		}
		h.mu.Lock()
		h.ports = append(h.ports, servedPort{at, secure})
		h.mu.Unlock()
		out = append(out, at)
	}
	return out, nil
}

func (h *Host) open(p servedPort) (netip.AddrPort, error) {
	ln, err := net.Listen("tcp", p.addr.String())
	if err != nil {
		return p.addr, fmt.Errorf("lab: host %s: %w", p.addr, err)
	}
	at := addrPort(ln.Addr())
	if p.tls {
		ln = tls.NewListener(ln, h.TLS)
	}
	s := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)} // probes end without a word
	h.mu.Lock()
	h.servers[at] = s
	h.mu.Unlock()
	h.serving.Go(func() { s.Serve(ln) })
	return at, nil
}

// ServeHTTP answers with what ails the host, else as its stubs do.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	f := h.fault
	if len(h.seen) < maxSeen {
		h.seen = append(h.seen, r.Method+" "+r.URL.Path)
	}
	h.mu.Unlock()
	if f.Delay > 0 {
		ctx, stop := context.WithTimeout(r.Context(), f.Delay)
		<-ctx.Done()
		stop()
	}
	if f.Status != 0 {
		http.Error(w, http.StatusText(f.Status), f.Status)
		return
	}
	h.mux.ServeHTTP(w, r)
}

// Seen lists the requests that came to any port, as "GET /path".
func (h *Host) Seen() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.seen)
}

// SetFault makes the host ail, or heals it.
func (h *Host) SetFault(f Fault) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fault = f
}

// Stop closes all ports, as a machine does that goes down; Resume opens them.
func (h *Host) Stop() {
	h.mu.Lock()
	for at, s := range h.servers {
		s.Close()
		delete(h.servers, at)
	}
	h.mu.Unlock()
	h.serving.Wait()
}

// Resume opens the ports that Stop closed.
func (h *Host) Resume() error {
	h.mu.Lock()
	ports := h.ports
	h.mu.Unlock()
	var errs []error
	for _, p := range ports {
		_, err := h.open(p)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
