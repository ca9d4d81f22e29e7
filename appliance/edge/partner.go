package edge

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"time"

	"sallyport/appliance/door"
	"sallyport/appliance/flow"
	"sallyport/appliance/overload"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/zone"
)

// Business-to-business calls: a partner is whoever calls a user of ours without
// being registered, or whom a user of ours calls through a DNS zone. He has no
// credentials, so nothing is taken from him but calls to domains that are
// configured for it, and what belongs to such a call. A partner's connection has
// a binding like a phone's, so that the dialog's tokens hold on it and nowhere
// else.
//
//	partner ──▶ edge ──▶ core ──▶ call control      SIP Domain … Partners: On
//	partner ◀── edge ◀── core ◀── call control      a search rule to a DNS zone

// headerPartner tells core that the sender of a request is a partner.
const headerPartner = privatePrefix + "Partner"

// Bounds of what partners may hold.
const (
	maxPartners     = 2_000
	maxPartnersEach = 8 // connections of one source
	partnerTime     = 12 * time.Hour
	maxDials        = 64
	dialTime        = 20 * time.Second
)

// fromPartner decides on a request that came over a connection without a
// registration.
func (e *Edge) fromPartner(r *signaling.Request, c *flow.Conn) {
	token, ok := e.ownRoutes(r.Msg, c)
	switch {
	case !ok:
		e.refuse(r, 403, "Register on this connection first", "binding") // a stranger hears the same whatever he tries
	case token != "":
		e.continuePartner(r, c, token)
	case r.Msg.Method() != "INVITE" || !e.plan.Load().partners:
		e.refuse(r, 403, "Register on this connection first", "binding")
	default:
		e.startPartner(r, c)
	}
}

// startPartner takes a partner's call to a user of a domain that takes such.
func (e *Edge) startPartner(r *signaling.Request, c *flow.Conn) {
	plan := e.plan.Load()
	uri, err := sip.ParseURI(r.Msg.URI())
	if err != nil {
		e.refuse(r, 416, "Request-URI cannot be read", "syntax")
		return
	}
	from, err := aor(r.Msg.Get("From"))
	if err != nil {
		e.refuse(r, 400, "From cannot be read", "syntax")
		return
	}
	called, known := plan.PartnersOf(uri.Host)
	switch _, ours := e.domainOf(host(from)); {
	case r.Msg.ToTag() != "":
		e.refuse(r, 403, "A request within a dialog needs the route it was given", "route token")
		return
	case ours || from == "" || host(from) == "":
		e.refuse(r, 403, from+" has to register first", "identity")
		return
	case !known || uri.User == "":
		e.refuse(r, 403, "Calls of partners are not taken for "+uri.Host, "SIP Domain Partners")
		return
	}
	if e.turnedAway(r, overload.Strangers) || e.closedForCalls(r) {
		return
	}
	b, err := e.admitPartner(c, plan.Zone(called), 0)
	if err != nil {
		e.refuse(r, 503, "Too many partners", "limits", sip.RetryAfter(10))
		return
	}
	e.inward(r, c, &b, route{binding: uint64(b.ID), session: e.newSession(r.Msg)}, true)
}

// partnerKey files a partner's connection under the network that it comes from,
// as doors count it: the owner of one has no more than his share.
func partnerKey(from netip.Addr, conn uint64, zone string) flow.Key {
	return flow.Key{AOR: door.Source(from).Addr().String(), Device: strconv.FormatUint(conn, 16), Reg: zone}
}

// admitPartner gives a partner's connection its binding.
func (e *Edge) admitPartner(c *flow.Conn, zone string, peer traversal.PeerID) (flow.Binding, error) {
	key := partnerKey(c.Remote().Addr(), c.ID(), zone)
	return e.partners.Admit(e.partners.Name(key), key, c, "", partnerTime, &home{zone: zone, peer: peer, partner: true})
}

// continuePartner takes a request within a partner's dialog on. It may come over
// another connection than the call did, but from the same address.
func (e *Edge) continuePartner(r *signaling.Request, c *flow.Conn, token string) {
	for _, zone := range e.plan.Load().Zones {
		t, err := e.tokens.dialog(zone, token)
		if err != nil {
			continue
		}
		b, ok := e.partners.Get(flow.BindingID(t.binding))
		if !ok || b.Source.Addr() != c.Remote().Addr() {
			break
		}
		if claimed, part := partOf(r.Msg, "", t); !part || r.Msg.ToTag() == "" {
			e.refuse(r, 403, claimed+" is not part of this dialog", "identity")
			return
		}
		if b.Conn != c {
			if b, err = e.partners.Confirm(b.ID, c, "", partnerTime); err != nil {
				break
			}
		}
		e.inward(r, c, &b, t, false)
		return
	}
	e.refuse(r, 403, "Register on this connection first", "binding")
}

// toPartner takes a request that core sent for nobody registered here to whom
// the search rules say serves the domain.
func (e *Edge) toPartner(r *signaling.Request, from *traversal.Conn) {
	uri, err := sip.ParseURI(r.Msg.URI())
	if err != nil || r.Msg.Method() != "INVITE" || r.Msg.ToTag() != "" || uri.User == "" {
		e.refuse(r, 404, "No route to a client of this edge", "route token")
		return
	}
	if e.closedForCalls(r) {
		return
	}
	hops := e.plan.Load().search.Next(zone.Query{Source: from.Zone(), Alias: uri.User + "@" + uri.Host, Method: r.Msg.Method(), Authenticated: true})
	for _, h := range hops {
		if h.Zone.Type != zone.DNS {
			continue
		}
		if !e.dials.Do(func(ctx context.Context) { e.callPartner(ctx, r, from, uri, h.Zone) }) {
			e.refuse(r, 503, "Too many calls to partners begin at once", "limits", sip.RetryAfter(5))
		}
		return
	}
	e.refuse(r, 404, "No search rule leads to "+uri.Host, "Zones Policy SearchRules")
}

// callPartner finds the partner, connects and sends the call out.
func (e *Edge) callPartner(ctx context.Context, r *signaling.Request, from *traversal.Conn, uri sip.URI, z *zone.Zone) {
	c, err := e.dialPartner(ctx, uri, z)
	if err != nil {
		e.log.Info("partner not reached", "event", "partner", "domain", uri.Host, "zone", z.Name, "err", err, "trace", r.Trace)
		e.refuse(r, 480, "Partner "+uri.Host+" is not reached", "zone "+z.Name)
		return
	}
	b, err := e.admitPartner(c, from.Zone(), from.Peer())
	if err != nil {
		e.refuse(r, 503, "Too many partners", "limits", sip.RetryAfter(10))
		return
	}
	t := route{binding: uint64(b.ID), session: e.newSession(r.Msg), peer: from.Peer(), begunInside: true}
	e.outward(r, c, b, t, true)
}

// dialPartner connects to the first server of a domain that can be reached.
func (e *Edge) dialPartner(ctx context.Context, uri sip.URI, z *zone.Zone) (*flow.Conn, error) {
	servers, err := e.names.Locate(ctx, zone.Wish{Host: uri.Host, Port: uri.Port, Secure: uri.Scheme == "sips", Default: z.Transport, Address: z.IncludeAddress})
	errs, plan := []error{err}, e.plan.Load()
	for _, s := range servers {
		if s.Network == "UDP" {
			continue // a description with keys does not go over UDP
		}
		if !plan.ground.Stranger(s.Addr.Addr()) {
			errs = append(errs, fmt.Errorf("%s is at %s, which is no address of the outside", uri.Host, s.Addr.Addr()))
			continue
		}
		to := flow.Target{Network: s.Network, Addr: s.Addr, ServerName: s.Name, Zone: z.Name}
		if z.SubjectName != "" {
			to.ServerName = z.SubjectName
		}
		if s.Network == "TLS" {
			to.TLS = e.cfg.Trust.UnverifiedClientConfig(trust.SIPOutside, to.ServerName)
			if z.TLSVerify {
				to.TLS = e.cfg.Trust.ClientConfig(trust.SIPOutside, to.ServerName)
			}
		}
		c, err := e.flows.Dial(ctx, to)
		if err == nil {
			return c, nil
		}
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return nil, errors.New("no server takes TLS or TCP")
}

// binding finds a phone's or a partner's binding.
func (e *Edge) binding(id flow.BindingID) (flow.Binding, bool) {
	if b, ok := e.bindings.Get(id); ok {
		return b, true
	}
	return e.partners.Get(id)
}
