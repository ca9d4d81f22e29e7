package edge

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"strings"

	"sallyport/appliance/auth"
	"sallyport/appliance/flow"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/xapi"
)

// newGuard joins edge's own challenge to the core that decides.
func (e *Edge) newGuard() *auth.Guard {
	g, err := auth.NewGuard(auth.GuardConfig{
		Log: e.log, Clock: e.clock, Rand: rand.Reader, Trouble: e.credentialTrouble,
		Ask: func(ctx context.Context, zone string, question []byte) ([]byte, error) {
			return e.links.Call(ctx, zone, 0, auth.MethodDigest, question)
		},
	})
	if err != nil {
		panic(err) // the system has no randomness: nothing is safe
	}
	e.links.Handle(auth.MethodForget, func(_ context.Context, _ traversal.Peer, user []byte) ([]byte, error) {
		g.Forget(string(user))
		return nil, nil
	})
	return g
}

// credentialTrouble keeps the alarms of a domain whose credentials core does
// not decide.
func (e *Edge) credentialTrouble(domain string, off bool, err error) {
	detail := ""
	if err != nil {
		detail = domain + ": " + err.Error() + "."
	}
	e.alarms.Set(xapi.AlarmDelegatedOff, domain, off, detail)
	e.alarms.Set(xapi.AlarmDelegatedUnasked, domain, err != nil && !off, detail)
}

// identify lets a REGISTER go on of whom edge, asking core, or core itself can
// tell whom it is from; nobody else is asked.
func (o *onward) identify() {
	e, r := o.edge, o.request
	rows := append(r.Msg.Rows("Authorization"), r.Msg.Rows("Proxy-Authorization")...)
	if o.auth == auth.Token {
		if !hasBearer(rows) {
			e.challenge(r, []string{auth.BearerChallenge(o.domain, nil)}, e.guard.Status())
			return
		}
		o.send()
		return
	}
	at := auth.Attempt{
		Domain: o.domain, Zone: o.zone, Owner: o.inDomain(), Method: "REGISTER", URI: r.Msg.URI(),
		From: o.client.Remote().Addr(), Rows: rows, Trace: r.Trace,
	}
	e.guard.Decide(at, func(v auth.Verdict) {
		switch {
		case v.User != "":
			o.user, o.own = v.User, rows[v.Row]
			o.send()
		case len(v.Challenge) > 0:
			e.challenge(r, v.Challenge, v.Status)
		case v.Wait > 0:
			e.refuse(r, v.Status, v.Reason, "credentials", sip.RetryAfter(v.Wait))
		default:
			e.refuse(r, v.Status, v.Reason, "credentials")
		}
	})
}

// guessed is how many seconds whoever shows credentials to call control has to
// wait, since too many of his were wrong; 0: he need not. Call control sees all
// clients at core's address and cannot tell who guesses.
func (e *Edge) guessed(m *sip.Message, c *flow.Conn, owner string) int {
	if !m.Has("Authorization") && !m.Has("Proxy-Authorization") {
		return 0
	}
	return e.guard.Refused(owner, c.Remote().Addr())
}

// judged notes what call control said to credentials. One that only wants a
// fresh nonce says so.
func (e *Edge) judged(resp *sip.Message, c *flow.Conn, owner string) {
	switch status := resp.Status(); {
	case status >= 200 && status < 300:
		e.guard.Right(owner, c.Remote().Addr())
	case (status == 401 || status == 407) && !wantsFresh(resp):
		e.guard.Wrong(owner, c.Remote().Addr())
	}
}

// wantsFresh tells whether a challenge finds fault with the nonce only.
func wantsFresh(resp *sip.Message) bool {
	for _, name := range [...]string{"WWW-Authenticate", "Proxy-Authenticate"} {
		for _, row := range resp.Rows(name) {
			if strings.EqualFold(digestParam(row, "stale"), "true") {
				return true
			}
		}
	}
	return false
}

// inDomain is the owner as a user of the domain: whose node the phone names is
// nothing that core judges credentials by.
func (a *attempt) inDomain() string { return strings.TrimSuffix(a.owner, host(a.owner)) + a.domain }

// challenge asks a client to prove who it is. It is no refusal: every client
// begins like this.
func (e *Edge) challenge(r *signaling.Request, challenges []string, status int) {
	name, reason := challengeHeader(status)
	var fields []sip.Field
	for _, value := range challenges {
		fields = append(fields, sip.Field{Name: name, Value: value})
	}
	r.Reply(status, reason, fields...)
}

func challengeHeader(status int) (name, reason string) {
	if status == 401 {
		return "WWW-Authenticate", "Unauthorized"
	}
	return "Proxy-Authenticate", "Proxy Authentication Required"
}

func hasBearer(rows []string) bool {
	for _, row := range rows {
		if _, ok := auth.Bearer(row); ok {
			return true
		}
	}
	return false
}

// identified tells core who edge found a client to be, and keeps the
// credentials to itself that were for edge.
func identified(out *sip.Message, a *attempt) {
	out.Set(headerUser, a.user)
	for _, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		rows := out.Rows(name)
		others := slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return row == a.own })
		if len(others) < len(rows) {
			out.Remove(name)
			for _, row := range others {
				out.Add(name, row)
			}
		}
	}
}

// vouched tells whether core stands by the user of an accepted registration, who
// is whom edge found, if it did, and gives core's own challenge the status that clients here expect.
func (e *Edge) vouched(resp *sip.Message, found string) (user string, ok bool) {
	if resp.Status() == 407 && e.guard.Status() == 401 {
		rows := resp.Rows("Proxy-Authenticate")
		if len(rows) == 1 && strings.HasPrefix(rows[0], "Bearer ") {
			resp.SetStatus(401, "Unauthorized")
			resp.Remove("Proxy-Authenticate")
			resp.Add("WWW-Authenticate", rows[0])
		}
	}
	user = resp.Get(headerUser)
	return user, user != "" && (found == "" || user == found)
}

// unvouched refuses a client whom call control accepted and for whom core does
// not stand: core is not set up to check its domain.
func (e *Edge) unvouched(r *signaling.Request, resp *sip.Message, a *attempt) {
	domain := a.domain
	e.credentialTrouble(domain, true, errUnvouched)
	e.log.Warn("sip denied", "event", "denied", "method", "REGISTER", "status", 403, "rule", "SIP Domain Authentication",
		"why", errUnvouched, "from", a.owner, "trace", r.Trace)
	resp.SetStatus(403, "Credentials are not checked for "+domain)
	resp.Remove("Contact")
}

var errUnvouched = errors.New("core does not check the credentials of the domain's users")

// settle lowers alarms about domains whose credentials edge does not ask for
// any more.
func (e *Edge) settle(before, now *Plan) {
	e.rehome(now.renamed(before))
	for _, d := range before.Domains {
		if is, ok := now.Domain(d.Name); !ok || is.Auth != d.Auth {
			e.credentialTrouble(d.Name, false, nil)
		}
	}
}
