package core

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"strings"

	"sallyport/appliance/auth"
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

const ruleIncoming = "Neighbor SIP OAuth Incoming"

// newAdmits judges the access tokens that core asks trunks for.
func (c *Core) newAdmits() *auth.Admits {
	return auth.NewAdmits(auth.TrunksConfig{Clock: c.cfg.Clock, Resolver: c.resolver,
		TLS: func(host string) *tls.Config { return c.trust.ClientConfig(trust.HTTPSUpstream, host) },
		Trouble: func(zone string, broken bool, why string) {
			c.cfg.Alarms.Set(xapi.AlarmTrunkKeys, zone, broken, fmt.Sprintf("Zone %s: %s.", zone, why))
		},
	})
}

// follows tells whether a message is one of a dialog that core stands in, by the
// route that it gave.
func (c *Core) follows(m *sip.Message) bool {
	route := ownRoute(m)
	if route == "" {
		return false
	}
	if _, _, err := c.tokens.openTrunk(route); err == nil {
		return true
	}
	_, err := c.tokens.openAnchor(purposeInside, route, c.plan.Load().domains)
	return err == nil
}

// admit wants an access token of a trunk's peer that begins something (RFC 8898).
// Whether core is there may be asked without.
func (c *Core) admit(r *signaling.Request, from *flow.Conn) {
	uri, err := sip.ParseURI(r.Msg.URI())
	token, shown := "", false
	for _, row := range r.Msg.Rows("Proxy-Authorization") {
		if t, is := auth.Bearer(row); is && !shown {
			token, shown = t, true
		}
	}
	switch {
	case err == nil && r.Msg.Method() == "OPTIONS" && uri.User == "" && ownRoute(r.Msg) == "":
		c.begin(r, from)
	case r.Msg.Method() == "ACK":
		// of no dialog that is known here
	case from.Network() != "TLS":
		c.refuse(r, 403, "This trunk shows an access token, over TLS only", ruleIncoming)
	case !shown:
		c.challenge(r, from, "This trunk has to show an access token", nil)
	default:
		c.judge(r, from, token)
	}
}

// judge lets a request on whose token is good. The issuer's keys may have to be
// fetched for it.
func (c *Core) judge(r *signaling.Request, from *flow.Conn, token string) {
	err := c.admits.Check(c.zoneFrom(from), token)
	if !errors.Is(err, auth.ErrKeys) {
		c.judged(r, from, err)
		return
	}
	if !c.lookups.Do(func(ctx context.Context) {
		c.admits.Refresh(ctx, c.zoneFrom(from))
		c.judged(r, from, c.admits.Check(c.zoneFrom(from), token))
	}) {
		c.refuse(r, 503, "Too many look-ups", "limits", sip.RetryAfter(5))
	}
}

// judged goes on with a request without its token, which was for core alone.
func (c *Core) judged(r *signaling.Request, from *flow.Conn, err error) {
	switch {
	case errors.Is(err, auth.ErrKeys):
		c.refuse(r, 503, "Access tokens of this trunk cannot be judged now", ruleIncoming, sip.RetryAfter(10))
	case err != nil:
		c.challenge(r, from, "Access token refused: "+strings.TrimPrefix(err.Error(), "token "), err)
	default:
		out := r.Msg.Clone()
		rows := out.Rows("Proxy-Authorization")
		out.Remove("Proxy-Authorization")
		for _, row := range rows {
			if _, is := auth.Bearer(row); !is {
				out.Add("Proxy-Authorization", row)
			}
		}
		c.begin(r.As(out), from)
	}
}

func (c *Core) challenge(r *signaling.Request, from *flow.Conn, why string, err error) {
	c.refuse(r, 407, why, ruleIncoming, sip.Field{Name: "Proxy-Authenticate", Value: c.admits.Challenge(c.zoneFrom(from), c.plan.Load().realm(), err)})
}

// realm is what core calls itself in a challenge.
func (p *Plan) realm() string {
	if len(p.names) > 0 {
		return p.names[len(p.names)-1]
	}
	return "sallyport"
}
