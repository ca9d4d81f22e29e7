package core

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
	"sallyport/appliance/traversal"
	"sallyport/appliance/uc"
	"sallyport/appliance/xapi"
)

// newCredentials makes core the judge of passwords and tokens.
func (c *Core) newCredentials() {
	c.vault = auth.NewVault(c.cfg.Clock)
	c.keys = auth.NewKeys(c.tokenTrouble)
	var err error
	if c.local, err = auth.NewAccounts(c.vault, c.cfg.Clock, rand.Reader); err != nil {
		panic(err) // the system has no randomness: nothing is safe
	}
	if c.credentials == nil {
		c.credentials = c.local
	}
	c.links.Handle(auth.MethodDigest, c.answerDigest)
}

// tokenTrouble keeps the alarm of a cluster whose tokens do not fit its keys.
func (c *Core) tokenTrouble(k uc.TokenKey, broken bool, why string) {
	c.cfg.Alarms.Set(xapi.AlarmTokenKeys, k.Publisher, broken, k.Publisher+": "+why+".")
}

// SetTokenKeys makes keys all that a source knows of clusters' tokens. The error
// names those that cannot be used.
func (c *Core) SetTokenKeys(source string, keys []uc.TokenKey) error { return c.keys.Set(source, keys) }

// VerifyToken tells whose an access token is, for users of a deployment. The
// error is an auth.Fault; an expired token is not held against its owner.
func (c *Core) VerifyToken(_ context.Context, deployment int, token string) (user string, expires time.Time, err error) {
	claims, err := c.keys.Verify(deployment, token, c.cfg.Clock(), 0)
	if errors.Is(err, auth.Opaque) {
		return c.verifySSO(deployment, token, err)
	}
	return claims.User, claims.Expires, err
}

// imported names keys that an administrator brought.
const imported = "import"

func (c *Core) applyCredentials(p auth.Plan) error {
	c.local.Apply(p.Nonce)
	gone := c.vault.Apply(p)
	c.signIns.forget(gone)
	err := c.keys.Set(imported, p.Keys)
	if len(gone) > 0 {
		select {
		case c.forget <- gone:
		default:
			select { // nobody took the last ones yet: let edges forget everybody
			case <-c.forget:
			default:
			}
			c.forget <- []string{""}
		}
	}
	return err
}

// tellForget has edges drop what they keep of users whose password changed,
// until ctx ends. An edge that is away keeps it until its cache expires.
func (c *Core) tellForget(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case users := <-c.forget:
			for _, user := range users {
				c.Ask(ctx, auth.MethodForget, []byte(user))
			}
		}
	}
}

// An identity is who a REGISTER is from, where core knows without call control.
// Its zero value is anybody's: call control asks itself.
type identity struct {
	user  string
	claim string // user part of the address of record
	own   bool   // the user may register the claim
	token bool
}

// identify finds out whom a REGISTER is from, by the way that its domain signs
// in. Not ok: it has been refused.
func (c *Core) identify(r *signaling.Request, from *traversal.Conn, d Domain) (who identity, ok bool) {
	switch c.vault.Mode(d.Name) {
	case auth.Delegated:
		who = identity{user: r.Msg.Get(headerUser), own: true}
		if who.user == "" {
			c.refuse(r, 403, "Credentials must be checked by edge", "SIP Domain Authentication")
			return who, false
		}
		if z := c.edgeZoneOf(from); (z == nil || !z.AnyCaller) && !c.signIns.known(peerOf(from), d.Name, userOfAOR(bareOf(r.Msg, "To")), who.user) {
			c.refuse(r, 403, who.user+" did not sign in through this edge", ruleSignIn, sip.Field{Name: headerAgain, Value: "credentials"})
			return who, false
		}
	case auth.Token:
		return c.bearer(r, d)
	}
	return who, true
}

// bearer checks the access token of a REGISTER.
func (c *Core) bearer(r *signaling.Request, d Domain) (identity, bool) {
	to, err := sip.ParseNameAddr(r.Msg.Get("To"))
	if err != nil {
		c.refuse(r, 400, "To cannot be read", "syntax")
		return identity{}, false
	}
	var tokens []string
	for _, row := range append(r.Msg.Rows("Authorization"), r.Msg.Rows("Proxy-Authorization")...) {
		if t, ok := auth.Bearer(row); ok {
			tokens = append(tokens, t)
		}
	}
	if len(tokens) > 1 {
		c.refuse(r, 400, "More than one token", "token")
		return identity{}, false
	}
	token := strings.Join(tokens, "")
	claims, err := c.keys.Verify(d.Deployment, token, c.cfg.Clock(), c.vault.Extra())
	if err != nil {
		c.refuse(r, 407, "Proxy Authentication Required", err.Error(),
			sip.Field{Name: "Proxy-Authenticate", Value: auth.BearerChallenge(d.Name, err)})
		return identity{}, false
	}
	claim := to.URI.User
	who := identity{user: claims.User, claim: claim, token: true, own: c.vault.Owns(d.Name, claims.User, claim)}
	if !who.own && first(r.Msg.Values("Contact")) == "*" {
		c.refuse(r, 403, notOf(who), "token")
		return who, false
	}
	return who, true
}

// oauthPort is where call control takes registrations that carry tokens.
const oauthPort = 5091

// readsTokens tells whether call control behind a target checks tokens itself.
func readsTokens(t target) bool { return t.port == oauthPort || strings.HasPrefix(t.zone, "CEOAuth") }

// targets are those where a user may register a line: a line that core does not
// know to be the user's only where call control reads the token too.
func (who identity) targets(ts []target) (out []target) {
	if who.user == "" || who.own {
		return ts
	}
	for _, t := range ts {
		if readsTokens(t) {
			out = append(out, t)
		}
	}
	return out
}

// others narrows further targets as targets does.
func (who identity) others(more func(status int) []target) func(status int) []target {
	if more == nil || who.user == "" || who.own {
		return more
	}
	return func(status int) []target { return who.targets(more(status)) }
}

// notOf refuses a user what is not known to be the user's.
func notOf(who identity) string { return who.claim + " is not " + who.user + "'s to register" }

// through is a registration's branch to a target with all that is to be done
// about its user.
func (who identity) through(t target, b signaling.Branch) signaling.Branch {
	if who.user == "" {
		return b
	}
	if who.token && !readsTokens(t) {
		withoutTokens(b.Msg)
	}
	then := b.OnResponse
	b.OnResponse = func(resp *sip.Message) {
		resp.Remove(headerUser)
		then(resp)
		if resp.Status() < 200 || resp.Status() >= 300 {
			return
		}
		if !who.own && !deviceOf(resp, who.user) {
			resp.SetStatus(403, notOf(who))
			resp.Remove("Contact")
			return
		}
		resp.Set(headerUser, who.user)
	}
	return b
}

// withoutTokens keeps an access token from a registrar that does not read it.
func withoutTokens(m *sip.Message) {
	for _, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		rows := m.Rows(name)
		if len(rows) == 0 {
			continue
		}
		m.Remove(name)
		for _, row := range rows {
			if _, is := auth.Bearer(row); !is {
				m.Add(name, row)
			}
		}
	}
}

// deviceOf tells whether call control says that all Contacts of an answer are
// devices of a user.
func deviceOf(resp *sip.Message, user string) bool {
	for _, v := range resp.Values("Contact") {
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			return false
		}
		if owner, _ := na.Param("+u.sip!userid.ccm.cisco.com"); !strings.EqualFold(strings.Trim(owner, `"`), user) {
			return false
		}
	}
	return true
}
