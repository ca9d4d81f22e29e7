package zone

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// A Server is one place where a domain takes SIP.
type Server struct {
	Network string // "TLS", "TCP" or "UDP"
	Addr    netip.AddrPort
	Name    string // as its certificate may bear it
}

// A Wish says what is known of a server before the name service is asked.
type Wish struct {
	Host      string
	Port      int    // 0: not said
	Transport string // "" : not said
	Default   string // transport where nothing says one
	Secure    bool   // nothing but TLS will do (sips)
	Address   bool   // a domain's own addresses will do
	Most      int    // most servers to return; 0: 30
}

// maxServers is how many servers one look-up returns at most.
const maxServers = 30

// Locate lists the servers of a domain in the order in which to try them
// (RFC 3263). It asks NAPTR, then SRV, then addresses.
func (r *Resolver) Locate(ctx context.Context, w Wish) ([]Server, error) {
	w.Host = strings.Trim(w.Host, "[]")
	w.Default = cmp.Or(w.Default, "TLS")
	if w.Secure {
		w.Transport = "TLS"
	}
	most := cmp.Or(w.Most, maxServers)
	if addr, err := netip.ParseAddr(w.Host); err == nil {
		network := cmp.Or(w.Transport, w.Default)
		return []Server{{network, netip.AddrPortFrom(addr.Unmap(), usualPort(w.Port, network)), w.Host}}, nil
	}
	if w.Port != 0 {
		return r.addresses(ctx, w.Host, w.Port, cmp.Or(w.Transport, w.Default), w.Host, most)
	}
	out, err := r.services(ctx, w, most)
	if len(out) > 0 || !w.Address || err != nil && !errors.Is(err, ErrNoRecord) {
		return out, err
	}
	return r.addresses(ctx, w.Host, 0, cmp.Or(w.Transport, w.Default), w.Host, most)
}

func usualPort(port int, network string) uint16 {
	switch {
	case port != 0:
		return uint16(port)
	case network == "TLS":
		return 5061
	}
	return 5060
}

// A service is a transport that a domain offers, and where its SRV records are.
type service struct{ network, srv string }

// services follows NAPTR records, or the usual SRV names where there are none.
func (r *Resolver) services(ctx context.Context, w Wish, most int) ([]Server, error) {
	list, err := r.naptr(ctx, w)
	if err != nil && !errors.Is(err, ErrNoRecord) {
		return nil, err
	}
	if len(list) == 0 {
		list = usualServices(w)
	}
	var out []Server
	var errs []error
	for _, s := range list {
		some, err := r.srv(ctx, s, w.Host, most-len(out))
		out, errs = append(out, some...), append(errs, err)
		if len(out) >= most {
			break
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, errors.Join(errs...)
}

// usualServices are the SRV names of a domain without NAPTR records.
func usualServices(w Wish) []service {
	all := []service{{"TLS", "_sips._tcp." + w.Host}, {"TCP", "_sip._tcp." + w.Host}, {"UDP", "_sip._udp." + w.Host}}
	if w.Transport == "" {
		return all
	}
	return slices.DeleteFunc(all, func(s service) bool { return s.network != w.Transport })
}

// naptr lists the services of a domain in its own order (RFC 3263 4.1).
func (r *Resolver) naptr(ctx context.Context, w Wish) ([]service, error) {
	rrs, err := r.ask(ctx, w.Host, dns.TypeNAPTR)
	if err != nil {
		return nil, err
	}
	var list []service
	for _, n := range sortNAPTR(rrs) {
		network := map[string]string{"SIPS+D2T": "TLS", "SIP+D2T": "TCP", "SIP+D2U": "UDP"}[strings.ToUpper(n.Service)]
		if network == "" || !strings.EqualFold(n.Flags, "s") || w.Transport != "" && network != w.Transport {
			continue
		}
		list = append(list, service{network, n.Replacement})
	}
	return list, nil
}

func sortNAPTR(rrs []dns.RR) []*dns.NAPTR {
	var out []*dns.NAPTR
	for _, rr := range rrs {
		if n, ok := rr.(*dns.NAPTR); ok {
			out = append(out, n)
		}
	}
	slices.SortStableFunc(out, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	return out
}

// srv lists the servers of one service, by priority and drawn by weight
// (RFC 2782).
func (r *Resolver) srv(ctx context.Context, s service, domain string, most int) ([]Server, error) {
	rrs, err := r.ask(ctx, s.srv, dns.TypeSRV)
	if err != nil {
		return nil, err
	}
	var out []Server
	var errs []error
	for _, rec := range drawSRV(rrs) {
		if rec.Target == "." {
			continue // the domain says that it has no such service
		}
		some, err := r.addresses(ctx, rec.Target, int(rec.Port), s.network, domain, most-len(out))
		out, errs = append(out, some...), append(errs, err)
		if len(out) >= most {
			break
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, errors.Join(errs...)
}

// drawSRV orders records: by priority, and within one at random so that a
// greater weight comes first more often.
func drawSRV(rrs []dns.RR) []*dns.SRV {
	var out []*dns.SRV
	lot := map[*dns.SRV]float64{}
	for _, rr := range rrs {
		if s, ok := rr.(*dns.SRV); ok {
			out = append(out, s)
			lot[s] = rand.ExpFloat64() / (float64(s.Weight) + 0.01)
		}
	}
	slices.SortStableFunc(out, func(a, b *dns.SRV) int {
		return cmp.Or(cmp.Compare(a.Priority, b.Priority), cmp.Compare(lot[a], lot[b]))
	})
	return out
}

// addresses lists a host's addresses, IPv4 first: more far ends can be reached so.
func (r *Resolver) addresses(ctx context.Context, host string, port int, network, name string, most int) ([]Server, error) {
	var out []Server
	var errs []error
	for _, kind := range [...]uint16{dns.TypeA, dns.TypeAAAA} {
		rrs, err := r.ask(ctx, host, kind)
		errs = append(errs, err)
		for _, rr := range rrs {
			if addr, ok := addressOf(rr); ok && len(out) < most {
				out = append(out, Server{network, netip.AddrPortFrom(addr, usualPort(port, network)), name})
			}
		}
	}
	if len(out) > 0 {
		return out, nil
	}
	return nil, errors.Join(errs...)
}

func addressOf(rr dns.RR) (netip.Addr, bool) {
	switch rr := rr.(type) {
	case *dns.A:
		return netip.AddrFromSlice(rr.A.To4())
	case *dns.AAAA:
		return netip.AddrFromSlice(rr.AAAA)
	}
	return netip.Addr{}, false
}
