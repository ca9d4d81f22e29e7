package deploy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"time"

	"sallyport/test/lab"
	"sallyport/test/pair"
)

// heard is how many packets of 20 ms prove that a call has media.
const heard = 10

// Attempt is one try, by a sentence that says what must come of it.
type Attempt struct {
	Says string
	Do   func(context.Context) error
}

// Attempts are what a user of the second deployment, and one of the first, may
// do and may not. live is a registered phone of the first.
func (s *Staging) Attempts(live *lab.Phone) []Attempt {
	var staging *lab.Phone
	return []Attempt{
		{"a staging user registers at staging's call control only", func(ctx context.Context) (err error) {
			before := len(s.Pair.World.Registrar.Bindings("dave"))
			if staging, err = s.Phone(ctx, "dave", 1200); err == nil {
				err = staging.Register(ctx)
			}
			return errors.Join(err, want("bindings at staging", len(s.World.Registrar.Bindings("dave")), 1),
				want("bindings at live", len(s.Pair.World.Registrar.Bindings("dave")), before))
		}},
		{"and calls there", func(ctx context.Context) error { return talk(ctx, staging, "carol") }},
		{"but calls nobody of live", func(ctx context.Context) error { return refused(ctx, staging, "sip:carol@"+pair.Domain, 403) }},
		{"nor a live call control by its address", func(ctx context.Context) error {
			return refused(ctx, staging, "sip:carol@"+s.Pair.Registrar(), 403)
		}},
		{"a live user asks live for a staging user, who is not known there", func(ctx context.Context) error {
			return refused(ctx, live, "sip:carol@"+Domain, 404)
		}},
		{"a staging user fetches staging's pages", func(ctx context.Context) error { return s.fetch(ctx, Domain, s.World.Web, http.StatusOK) }},
		{"but none of live", func(ctx context.Context) error { return s.fetch(ctx, Domain, s.Pair.World.Web, http.StatusForbidden) }},
		{"a live user fetches live pages", func(ctx context.Context) error { return s.fetch(ctx, pair.Domain, s.Pair.World.Web, http.StatusOK) }},
		{"but none of staging", func(ctx context.Context) error { return s.fetch(ctx, pair.Domain, s.World.Web, http.StatusForbidden) }},
		{"staging's call control calls no live user, though it knows the way", func(ctx context.Context) error {
			return s.Trespass(ctx, s.host(1), s.Pair.World.Registrar.Bindings("alice"))
		}},
		{"nor live's a staging user", func(ctx context.Context) error {
			return s.Trespass(ctx, netip.MustParseAddr(s.Pair.Registrar()), s.World.Registrar.Bindings("dave"))
		}},
		{"neither call control heard of the other's users", func(context.Context) error {
			return errors.Join(silent("live", s.Pair.World.Registrar.Received(), "dave@"+Domain),
				silent("staging", s.World.Registrar.Received(), "alice@"+pair.Domain))
		}},
	}
}

// Isolated makes all attempts, in order.
func (s *Staging) Isolated(ctx context.Context, live *lab.Phone) (string, error) {
	all := s.Attempts(live)
	for _, a := range all {
		if err := a.Do(ctx); err != nil {
			return "", fmt.Errorf("%s: %w", a.Says, err)
		}
	}
	return fmt.Sprintf("%d attempts by SIP and HTTP, both ways; nothing reached the other side", len(all)), nil
}

func want(what string, got, want int) error {
	if got != want {
		return fmt.Errorf("%d %s, want %d", got, what, want)
	}
	return nil
}

func talk(ctx context.Context, from *lab.Phone, to string) error {
	call, err := from.Call(ctx, to)
	if err != nil {
		return err
	}
	_, err = call.AwaitMedia(ctx, lab.CarolTone, heard)
	return errors.Join(err, call.Hangup(ctx))
}

// refused wants a call to be answered with a status.
func refused(ctx context.Context, from *lab.Phone, to string, status int) error {
	call, err := from.Call(ctx, to)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s answered", to), call.Hangup(ctx))
	case call == nil:
		return err
	}
	return want("is the answer", call.Cause(), status)
}

// fetch asks for a page of a web server as a user of domain, and holds what the
// server saw against the answer.
func (s *Staging) fetch(ctx context.Context, domain string, web *lab.Web, status int) error {
	b, err := s.Browser(domain)
	if err != nil {
		return err
	}
	defer b.Close()
	before := len(web.Seen())
	page, err := b.Get(ctx, web.URL("http", "/page/x"))
	if err != nil {
		return err
	}
	come := 0
	if status == http.StatusOK {
		come = 1
	}
	return errors.Join(want("is the status", page.Status, status), want("requests came", len(web.Seen())-before, come))
}

// Trespass sends core a request from a call control's address, on the way that
// another deployment's call control knows to its user.
func (s *Staging) Trespass(ctx context.Context, from netip.Addr, theirs []lab.Binding) error {
	if len(theirs) == 0 {
		return errors.New("there is no binding to go by")
	}
	way := theirs[len(theirs)-1]
	x, err := lab.NewStranger(ctx, netip.AddrPortFrom(netip.MustParseAddr(s.Pair.CoreAddr()), 5060), nil, from)
	if err != nil {
		return err
	}
	defer x.Close()
	m := x.Forge("OPTIONS", way.Contact, "sip:mallory@"+from.String(), way.Contact)
	for _, route := range way.Path {
		m.Add("Route", route)
	}
	if err := x.Send(m.Bytes()); err != nil {
		return err
	}
	answer, err := x.Final(20 * time.Second)
	if err != nil {
		return err
	}
	return want("is the answer", answer.Status(), http.StatusForbidden)
}

// silent wants no message to name somebody.
func silent(who string, seen []lab.Capture, name string) error {
	for _, c := range seen {
		if bytes.Contains(c.Raw, []byte(name)) {
			return fmt.Errorf("%s was told of %s: %.120q", who, name, c.Raw)
		}
	}
	return nil
}
