package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/miekg/dns"
)

// askTime bounds one question to one server.
const askTime = 2 * time.Second

// errAnswers is in the error of a server that is there, but does not know a name.
var errAnswers = errors.New("answers")

// A server answers for one place.
type server struct {
	at   netip.AddrPort
	from netip.Prefix
}

// ask puts one question. The answer may be empty; a name that does not exist is
// no error.
func (s server) ask(ctx context.Context, name string, kind uint16) ([]dns.RR, error) {
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	m.SetEdns0(1232, false)
	if s.from.IsValid() {
		family := uint16(1)
		if s.from.Addr().Is6() {
			family = 2
		}
		o := m.IsEdns0()
		o.Option = append(o.Option, &dns.EDNS0_SUBNET{Code: dns.EDNS0SUBNET, Family: family,
			SourceNetmask: uint8(s.from.Bits()), Address: s.from.Addr().AsSlice()})
	}
	ctx, stop := context.WithTimeout(ctx, askTime)
	defer stop()
	reply, err := exchange(ctx, m, s.at)
	switch {
	case err != nil:
		return nil, fmt.Errorf("name server %s: %w", s.at, err)
	case reply.Rcode == dns.RcodeNameError:
		return nil, nil
	case reply.Rcode != dns.RcodeSuccess:
		return nil, fmt.Errorf("name server %s %w %s for %s", s.at, errAnswers, dns.RcodeToString[reply.Rcode], name)
	}
	return reply.Answer, nil
}

// exchange asks over UDP, and over TCP for what was cut short.
func exchange(ctx context.Context, m *dns.Msg, at netip.AddrPort) (*dns.Msg, error) {
	reply, _, err := (&dns.Client{Net: "udp"}).ExchangeContext(ctx, m, at.String())
	if err == nil && reply.Truncated {
		reply, _, err = (&dns.Client{Net: "tcp"}).ExchangeContext(ctx, m, at.String())
	}
	if err == nil && reply == nil {
		err = errors.New("no answer")
	}
	return reply, err
}

// srv lists the SRV records of a name.
func (s server) srv(ctx context.Context, name string) (out []*dns.SRV, err error) {
	rrs, err := s.ask(ctx, name, dns.TypeSRV)
	for _, rr := range rrs {
		if r, ok := rr.(*dns.SRV); ok {
			out = append(out, r)
		}
	}
	return out, err
}

// addresses lists the addresses of a host, and the name that it is an alias of,
// "" if it is none.
func (s server) addresses(ctx context.Context, host string) (out []netip.Addr, alias string, err error) {
	var errs []error
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		rrs, err := s.ask(ctx, host, kind)
		errs = append(errs, err)
		for _, rr := range rrs {
			switch r := rr.(type) {
			case *dns.CNAME:
				if canonical(r.Hdr.Name) == host {
					alias = canonical(r.Target)
				}
			case *dns.A:
				if a, ok := netip.AddrFromSlice(r.A); ok {
					out = append(out, a.Unmap())
				}
			case *dns.AAAA:
				if a, ok := netip.AddrFromSlice(r.AAAA); ok {
					out = append(out, a)
				}
			}
		}
	}
	return out, alias, errors.Join(errs...)
}

// names lists the names that an address leads back to.
func (s server) names(ctx context.Context, a netip.Addr) (out []string, err error) {
	back, err := dns.ReverseAddr(a.String())
	if err != nil {
		return nil, err
	}
	rrs, err := s.ask(ctx, back, dns.TypePTR)
	for _, rr := range rrs {
		if r, ok := rr.(*dns.PTR); ok {
			out = append(out, canonical(r.Ptr))
		}
	}
	return out, err
}
