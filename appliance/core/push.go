package core

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/push"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

func (c *Core) newPush() *push.Server {
	return push.New(push.Config{
		Log: c.log, Clock: c.cfg.Clock, Rand: c.rand, Alarms: c.cfg.Alarms, Resolver: c.resolver,
		TLS: func(host string) *tls.Config { return c.trust.ClientConfig(trust.Push, host) },
	})
}

// A pushAsk is what a REGISTER says about push (RFC 8599 4.1).
type pushAsk struct {
	contact sip.NameAddr // which says it
	device  push.Device
	self    bool // it can renew its registration without being woken
	keep    bool // it is no mere question
}

// pushAsked reads the push parameters of a REGISTER; nil if there are none, or
// if core does not deal with them. It refuses those that no service can use.
func (c *Core) pushAsked(r *signaling.Request) (ask *pushAsk, ok bool) {
	if !c.plan.Load().Push {
		return nil, true
	}
	for _, v := range r.Msg.Values("Contact") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			continue
		}
		if provider, has := na.URI.Param("pn-provider"); has {
			_, self := na.Param("+sip.pnsreg")
			ask = &pushAsk{contact: na, self: self, device: pushDevice(na.URI, provider)}
			break
		}
	}
	if ask == nil || ask.device.Provider == "" {
		return ask, true
	}
	ask.keep = ask.device.ID != ""
	switch err := c.wakeable(ask); {
	case errors.Is(err, push.ErrProvider):
		c.refuse(r, 555, "Push Notification Service Not Supported", "Push Provider")
		return nil, false
	case err != nil:
		c.refuse(r, 400, "Push parameters cannot be used", "Push Provider")
		c.log.Info("push parameters refused", "event", "denied", "user", bareTo(r.Msg), "why", err, "trace", r.Trace)
		return nil, false
	}
	return ask, true
}

func (c *Core) wakeable(ask *pushAsk) error {
	err := c.push.Accepts(ask.device)
	if !ask.keep && errors.Is(err, push.ErrDevice) {
		return nil // it asks for the service only
	}
	return err
}

func pushDevice(u sip.URI, provider string) push.Device {
	id, _ := u.Param("pn-prid")
	param, _ := u.Param("pn-param")
	return push.Device{Provider: strings.ToLower(sip.Unescape(provider)), ID: sip.Unescape(id), Param: sip.Unescape(param)}
}

func bareTo(m *sip.Message) string {
	to, err := sip.ParseNameAddr(m.Get("To"))
	if err != nil {
		return ""
	}
	return aorOf(to.URI)
}

// pushParams are those that core keeps to itself.
func withoutPush(u sip.URI) sip.URI {
	return u.WithoutParam("pn-provider").WithoutParam("pn-prid").WithoutParam("pn-param").WithoutParam("pn-purr")
}

// withPush has a REGISTER go inside without push parameters: core is who wakes,
// a registrar that knows them would wake as well. In the answer the phone finds
// them again, and what core does for it.
func (c *Core) withPush(b signaling.Branch, m *sip.Message, from *traversal.Conn, ask *pushAsk, trace string) signaling.Branch {
	if ask == nil {
		return b
	}
	values := b.Msg.Values("Contact")
	for i, v := range values {
		if na, err := sip.ParseNameAddr(v); err == nil {
			na.URI = withoutPush(na.URI)
			values[i] = na.String()
		}
	}
	b.Msg.SetAll("Contact", values)
	inner, credentials := b.OnResponse, credited(m)
	b.OnResponse = func(resp *sip.Message) {
		inner(resp)
		if resp.Status() < 200 || resp.Status() > 299 {
			return
		}
		lasts := ownAgain(resp, ask.contact.URI, m.Get("Expires"))
		if credentials && ask.keep && !c.bound(m, from, ask, lasts, trace) {
			return
		}
		c.tellCaps(resp, ask, lasts)
	}
	return b
}

// ownAgain puts the phone's own Contact into an answer and returns how long it
// is registered.
func ownAgain(resp *sip.Message, own sip.URI, asked string) (lasts time.Duration) {
	values := resp.Values("Contact")
	for i, v := range values {
		na, err := sip.ParseNameAddr(v)
		if err != nil || !na.URI.Equal(own) {
			continue
		}
		lasts = grants(resp, asked)[na.URI.User]
		na.URI = own
		values[i] = na.String()
	}
	if len(values) > 0 {
		resp.SetAll("Contact", values)
	}
	return lasts
}

// bound keeps a phone that has registered, or forgets one that has left.
func (c *Core) bound(m *sip.Message, from *traversal.Conn, ask *pushAsk, lasts time.Duration, trace string) bool {
	path := m.Values("Path")
	if lasts <= 0 {
		c.sleepers.forget(placeOf(path))
		return false
	}
	now := c.cfg.Clock()
	err := c.sleepers.keep(sleeper{
		Key: phoneKey(bareTo(m), ask), URI: withoutPush(ask.contact.URI).String(), Path: path, Peer: peerOf(from),
		Device: ask.device, Self: ask.self, Since: now, Lasts: lasts, Expires: now.Add(lasts),
	})
	if err != nil {
		c.log.Warn("phone cannot be woken", "event", "wake", "user", bareTo(m), "why", err, "trace", trace)
	}
	return err == nil
}

// phoneKey tells which phone it is when it comes back, perhaps with another
// address: by its instance, else by what wakes it.
func phoneKey(user string, ask *pushAsk) flow.Key {
	if _, ok := ask.contact.Param("+sip.instance"); ok {
		return flow.KeyOf(user, ask.contact)
	}
	sum := sha256.Sum256([]byte(ask.device.Provider + "\x00" + ask.device.ID))
	return flow.Key{AOR: user, Device: "push", Reg: hex.EncodeToString(sum[:12])}
}

// tellCaps says what core does (RFC 8599 8): which services it wakes by, and by
// when a phone that renews its registration by itself has to have done so.
func (c *Core) tellCaps(resp *sip.Message, ask *pushAsk, lasts time.Duration) {
	names := []string{ask.device.Provider}
	if ask.device.Provider == "" {
		names = c.push.Providers()
	}
	for _, name := range names {
		value := `*;+sip.pns="` + name + `"`
		if ask.self && ask.keep {
			value += `;+sip.pnsreg="` + seconds(c.plan.Load().lead(lasts)) + `"`
		}
		resp.Add("Feature-Caps", value)
	}
}

// reportPush adds what is known of push to a status tree.
func (c *Core) reportPush(t *xapi.Node) {
	phones, held := c.sleepers.count()
	mode := "Off"
	if c.plan.Load().Push {
		mode = "On"
	}
	t.Leaf("Mode", mode).Int("Phones", phones).Int("Held", held)
	c.push.Report(t)
}
