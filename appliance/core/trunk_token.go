package core

import (
	"context"
	"crypto/tls"
	"fmt"

	"sallyport/appliance/auth"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// newGrants keeps the access tokens that core shows to trunks which ask for one
// (guide: SIP trunks).
func (c *Core) newGrants() *auth.Grants {
	return auth.NewGrants(auth.TrunksConfig{Clock: c.cfg.Clock, Resolver: c.resolver,
		TLS: func(host string) *tls.Config { return c.trust.ClientConfig(trust.HTTPSUpstream, host) },
		Trouble: func(zone string, broken bool, why string) {
			c.cfg.Alarms.Set(xapi.AlarmTrunkToken, zone, broken, fmt.Sprintf("Zone %s: %s.", zone, why))
		},
	})
}

// bearing has a request show core's access token to a trunk that asks for one,
// over verified TLS only. One that is asked in spite of what it showed, or for
// the first time, goes there once more, for which kind of credentials ever: a
// trunk that has a token endpoint asks for a token. A request that brings a token of its
// own is left alone: that is between its sender and the far end.
func (c *Core) bearing(b signaling.Branch, t target, again func() (signaling.Branch, error)) signaling.Branch {
	if !c.grants.Has(t.zone) || t.network != "TLS" || !t.verify || bears(b.Msg) {
		return b
	}
	shown, asks := c.grants.Held(t.zone)
	if asks {
		b = c.showing(b, t, shown)
	}
	next := b.Next
	b.Next = func(status int) *signaling.Branch {
		if status == 401 || status == 407 {
			c.grants.Asked(t.zone, shown)
			if spec, err := again(); err == nil {
				spec = c.showing(spec, t, "")
				return &spec
			}
		}
		if next == nil {
			return nil
		}
		return next(status)
	}
	return b
}

// showing puts a token into a branch, the present one or, if that is empty, one
// that is brought before the branch leaves. What it brings is not asked again
// for: a fresh token that is refused is an alarm.
func (c *Core) showing(b signaling.Branch, t target, token string) signaling.Branch {
	if token != "" {
		b.Msg.Add("Proxy-Authorization", "Bearer "+token)
		return b
	}
	conn, dial := b.Conn, b.Dial
	msg, edit := b.Msg, b.OnResponse
	b.Conn = nil
	b.Dial = func(ctx context.Context) (signaling.Conn, error) {
		fresh, err := c.grants.Token(ctx, t.zone)
		if err != nil {
			return nil, &signaling.StatusError{Status: 503, Reason: "No access token for this trunk"}
		}
		msg.Add("Proxy-Authorization", "Bearer "+fresh)
		if conn != nil {
			return conn, nil
		}
		return dial(ctx)
	}
	b.OnResponse = func(resp *sip.Message) {
		switch {
		case challenges(resp):
			c.grants.Refused(t.zone)
		case resp.Status() < 300:
			c.grants.Taken(t.zone)
		}
		if edit != nil {
			edit(resp)
		}
	}
	return b
}

// challenges tells whether an answer asks for an access token (RFC 8898).
func challenges(resp *sip.Message) bool {
	if resp.Status() != 401 && resp.Status() != 407 {
		return false
	}
	for _, name := range [...]string{"Proxy-Authenticate", "WWW-Authenticate"} {
		for _, row := range resp.Rows(name) {
			if _, is := auth.Bearer(row); is {
				return true
			}
		}
	}
	return false
}

// bears tells whether a request brings an access token along.
func bears(m *sip.Message) bool {
	for _, name := range [...]string{"Proxy-Authorization", "Authorization"} {
		for _, row := range m.Rows(name) {
			if _, is := auth.Bearer(row); is {
				return true
			}
		}
	}
	return false
}
