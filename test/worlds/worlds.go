// Package worlds puts a staging and an isolated world beside the live one of a
// running pair, each with two clusters, presence, voicemail, files, token keys
// and phones to onboard of its own, and each in its own deployment. A user of
// each then tries every plane of the others: SIP, HTTP, chat, tokens, logins,
// onboarding. What counts is what the other worlds saw, which must be nothing.
// All worlds have users of the same names. Tests and cmd/lab call it.
package worlds

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/login"
	"sallyport/test/pair"
)

// Isolated is the third deployment; staging is package deploy's, and number 3
// is package login's.
const (
	isolatedName   = "Isolated"
	isolatedDomain = "isolated.example.com"
	isolatedNumber = 4
)

// Worlds are three of them behind one pair.
type Worlds struct {
	Pair *pair.Pair
	all  []*world

	staging, isolated *deploy.Staging
	limit             int // of logins, as it was
}

// A world is one of them with a user who lives there.
type world struct {
	name, domain, user string
	number             int // of the deployment
	*lab.World
	stage  *login.Onboarding
	phone  *lab.Phone    // registered
	client *login.Client // signed in
	chat   *lab.Chat
}

// Open starts the worlds and tells both nodes of their domains, call control and
// pages, live through the shell. Leave and Close end that.
func Open(ctx context.Context, p *pair.Pair) (*Worlds, error) {
	w := &Worlds{Pair: p, limit: p.Core.Store().Snapshot().Int(xapi.LoginRateLimit)}
	if err := w.open(ctx); err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

func (w *Worlds) open(ctx context.Context) (err error) {
	if w.staging, err = deploy.Open(ctx, w.Pair); err != nil {
		return err
	}
	if w.isolated, err = deploy.OpenAt(ctx, w.Pair, deploy.Place{Name: isolatedName, Domain: isolatedDomain, Number: isolatedNumber, World: takesTokens}); err != nil {
		return err
	}
	w.all = []*world{
		{name: "live", domain: pair.Domain, user: "alice", number: 1, World: w.Pair.World},
		{name: "staging", domain: deploy.Domain, user: "bob", number: deploy.Number, World: w.staging.World},
		{name: "isolated", domain: isolatedDomain, user: "dave", number: isolatedNumber, World: w.isolated.World},
	}
	return nil
}

// Furnish has core discover the clusters of all worlds: from then on their
// users sign in.
func (w *Worlds) Furnish(ctx context.Context) error {
	if err := deploy.Type(ctx, w.Pair.Core, "xConfiguration EdgeConfigServer RateLimitLogins: 0"); err != nil {
		return err
	}
	maker, err := trust.NewCA("Phone Maker Root", nil)
	if err != nil {
		return err
	}
	for _, x := range w.all {
		x.UDS.Set(func(o *lab.UDSOptions) { o.Password = x.passwords() })
		stage, err := login.OpenIn(ctx, w.Pair, x.World, x.number)
		if err != nil {
			return fmt.Errorf("clusters of %s: %w", x.name, err)
		}
		if x.stage, err = stage.OpenOnboardingBy(ctx, maker); err != nil {
			return fmt.Errorf("onboarding of %s: %w", x.name, err)
		}
	}
	return w.presence(ctx)
}

// takesTokens makes call control take whoever comes from core, which judges
// tokens.
func takesTokens(c *lab.WorldConfig) { c.Registrar = func(r *lab.RegistrarConfig) { r.Open = true } }

// presence has core discover the presence nodes of the new worlds, and makes
// phones of the isolated one show tokens.
func (w *Worlds) presence(ctx context.Context) error {
	user, password := lab.AXLAccount()
	var lines []string
	for _, x := range w.all {
		lines = append(lines, fmt.Sprintf("xCommand XMPPDiscovery Address: %s Axlusername: %s Axlpassword: %s DeploymentId: %d", x.presence(), user, password, x.number))
	}
	token := func(at int) string { return fmt.Sprintf("xConfiguration SIP Domain %d Authentication: Token", at) }
	if err := deploy.Type(ctx, w.Pair.Edge, token(login.IndexOf(w.Pair.Edge, isolatedDomain))); err != nil {
		return err
	}
	return deploy.Type(ctx, w.Pair.Core, append(lines, token(login.IndexOf(w.Pair.Core, isolatedDomain)))...)
}

// passwords are those that a world's clusters know: no other world's are the
// same.
func (x *world) passwords() map[string]string {
	out := map[string]string{}
	for user := range lab.Users() {
		out[user] = x.password(user)
	}
	return out
}

func (x *world) password(user string) string { return user + " of " + x.domain }

// registrar is the call control that a world's domain is led to.
func (x *world) registrar() netip.Addr { return x.Registrar.Addr("TCP").Addr() }

// presence is where a world chats.
func (x *world) presence() netip.Addr { return x.Chat.Addr().Addr() }

// Leave hangs up, and takes the clusters of the live world away again, so that
// nobody has to sign in there. The other two stay as they are.
func (w *Worlds) Leave(ctx context.Context) error {
	var errs []error
	for _, x := range w.all {
		x.hangUp(ctx)
		if x.number != 1 || x.stage == nil {
			continue
		}
		x.UDS.Set(func(o *lab.UDSOptions) { o.Password = nil })
		errs = append(errs, x.stage.CloseOnboarding(ctx), deploy.Type(ctx, w.Pair.Core, "xCommand XMPPDelete Address: "+x.presence().String()), x.stage.Undo(ctx))
	}
	return errors.Join(append(errs, deploy.Type(ctx, w.Pair.Core, fmt.Sprintf("xConfiguration EdgeConfigServer RateLimitLogins: %d", w.limit)))...)
}

// Close ends the new worlds and all clients; what the nodes were told stays.
func (w *Worlds) Close() {
	for _, x := range w.all {
		if x.stage != nil {
			x.stage.Close()
		}
	}
	for _, s := range []*deploy.Staging{w.staging, w.isolated} {
		if s != nil {
			s.Close()
		}
	}
}

func (x *world) hangUp(ctx context.Context) {
	if x.chat != nil {
		x.chat.Close()
	}
	if x.phone != nil {
		_ = x.phone.Unregister(ctx) // it is closed in any case
		x.phone.Close()
	}
	x.chat, x.phone = nil, nil
}
