package core

import (
	"strconv"
	"strings"
	"time"

	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// registerLocal serves a REGISTER from inside for a domain of core's own: an
// endpoint that is no call control's. It must prove who it is; there is no
// registration without credentials.
func (c *Core) registerLocal(r *signaling.Request, from *flow.Conn) {
	plan := c.plan.Load()
	aor, err := sip.ParseNameAddr(r.Msg.Get("To"))
	if err != nil {
		c.refuse(r, 400, "To cannot be read", "syntax")
		return
	}
	if _, own := plan.Own(aor.URI.Host); !own {
		c.refuse(r, 403, "Domain "+aor.URI.Host+" does not register here", "SIP Domain")
		return
	}
	if !plan.Registrar {
		c.refuse(r, 403, "Nothing registers here", "SIP Registration Mode")
		return
	}
	if !c.proven(r, aor.URI, "Authorization", "WWW-Authenticate", 401) {
		return
	}
	if sender, err := sip.ParseNameAddr(r.Msg.Get("From")); err != nil || aorOf(sender.URI) != aorOf(aor.URI) {
		c.refuse(r, 403, "Only "+aorOf(aor.URI)+" itself may register", "identity")
		return
	}
	if c.closedForLocals(r, aorOf(aor.URI)) {
		return
	}
	if status, reason, fields := c.bindLocal(r.Msg, from, aorOf(aor.URI), plan); status != 0 {
		c.refuse(r, status, reason, "registration", fields...)
		return
	}
	c.answerLocal(r, aorOf(aor.URI))
}

// proven tells whether a request carries the credentials of a user of core's
// own. If not it is challenged.
func (c *Core) proven(r *signaling.Request, owner sip.URI, answer, challenge string, status int) bool {
	realm, stale := strings.ToLower(owner.Host), false
	for _, row := range r.Msg.Rows(answer) {
		user, old, ok := c.credentials.Check(realm, r.Msg.Method(), r.Msg.URI(), row)
		switch {
		case ok && user == owner.User:
			return true
		case ok:
			c.refuse(r, 403, "These credentials are not of "+aorOf(owner), "credentials")
			return false
		}
		stale = stale || old
	}
	value, err := c.credentials.Challenge(realm, stale)
	if err != nil {
		c.log.Error("challenge", "err", err)
		c.refuse(r, 500, "Server Internal Error", "internal")
		return false
	}
	if r.Msg.Has(answer) && !stale {
		c.log.Warn("sip denied", "event", "denied", "method", r.Msg.Method(), "status", status, "rule", "credentials",
			"why", "wrong credentials", "from", aorOf(owner), "peer", r.Conn.Remote().String(), "trace", r.Trace)
	}
	r.Reply(status, "Unauthorized", sip.Field{Name: challenge, Value: value})
	return false
}

// bindLocal makes the bindings what a REGISTER says (RFC 3261 10.3). Nothing
// changes if one of its Contacts cannot be taken.
func (c *Core) bindLocal(m *sip.Message, from *flow.Conn, owner string, plan *Plan) (status int, reason string, fields []sip.Field) {
	values := m.Values("Contact")
	if len(values) == 1 && values[0] == "*" {
		if m.Get("Expires") != "0" {
			return 400, "Contact * needs Expires 0", nil
		}
		for _, b := range c.locals.ByUser(owner) {
			c.locals.Remove(b.ID)
		}
		return 0, "", nil
	}
	if len(values) > maxEndpointsEach {
		return 403, "Too many contacts in one registration", nil
	}
	contacts := make([]sip.NameAddr, len(values))
	lasts := make([]time.Duration, len(values))
	for i, v := range values {
		na, err := sip.ParseNameAddr(v)
		if err != nil || !na.URI.SIP() {
			return 400, "Contact cannot be read", nil
		}
		contacts[i], lasts[i] = na, plan.lease(na, m.Get("Expires"))
		if lasts[i] > 0 && lasts[i] < plan.RegMin {
			return 423, "Interval Too Brief", []sip.Field{{Name: "Min-Expires", Value: seconds(plan.RegMin)}}
		}
	}
	for i, na := range contacts {
		key := flow.KeyOf(owner, na)
		id := c.locals.Name(key)
		if lasts[i] == 0 {
			c.locals.Remove(id)
			continue
		}
		if _, err := c.locals.Admit(id, key, from, values[i], lasts[i], nil); err != nil {
			return 503, "Too many registrations", nil
		}
		c.log.Debug("endpoint registered", "event", "registered", "user", owner, "peer", from.Remote().String())
	}
	return 0, "", nil
}

// lease is how long one Contact is registered for; 0 takes it back.
func (p *Plan) lease(na sip.NameAddr, usual string) time.Duration {
	text, ok := na.Param("expires")
	if !ok {
		text = usual
	}
	n, err := strconv.ParseUint(strings.TrimSpace(text), 10, 32)
	if err != nil {
		return p.RegMax
	}
	return min(time.Duration(n)*time.Second, p.RegMax)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// answerLocal says what is registered for a user.
func (c *Core) answerLocal(r *signaling.Request, owner string) {
	m := r.Msg.Reply(200, "OK")
	now := c.cfg.Clock()
	for _, b := range c.locals.ByUser(owner) {
		if na, err := sip.ParseNameAddr(b.Contact); err == nil && b.Confirmed {
			left := max(b.Expires.Sub(now), time.Second).Round(time.Second)
			m.Add("Contact", na.WithParam("expires", seconds(left)).String())
		}
	}
	r.ReplyWith(m)
}
