package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/test/login"
)

// loginToken imports the home cluster's token keys and signs alice in by a token
// that the cluster made, and by none of those that it did not.
func (r *round) loginToken(ctx context.Context) (string, error) {
	if err := r.signIn(ctx); err != nil {
		return "", err
	}
	if err := r.login.Keys(ctx); err != nil {
		return "", err
	}
	tokens := r.pair.World.Tokens
	if err := r.ownRecord(ctx, "alice", tokens.Access("alice", time.Hour)); err != nil {
		return "", err
	}
	bad := []string{"expired", "kid", "stranger", "forged", "iss", "refresh", "none", "hs256", "tampered", "sealed"}
	for _, kind := range bad {
		token, err := tokens.Bad(kind, "alice")
		if err != nil {
			return "", err
		}
		c, err := r.login.Client("", "")
		if err != nil {
			return "", err
		}
		if _, page, err := c.Browser.SignIn(ctx, login.Bearer(token)); err != nil || page.Status != http.StatusUnauthorized {
			return "", fmt.Errorf("a token that is bad (%s) gets %+v, %v", kind, page, err)
		}
	}
	status, err := r.ask(ctx, r.pair.CoreAddr(), "xStatus Authzkeys")
	if err != nil || !strings.Contains(status, "Expired: 1\n") {
		return "", fmt.Errorf("the expired token is not counted apart: %s (%v)", status, err)
	}
	return fmt.Sprintf("alice is in by a sealed token and gets her record; %d bad ones are refused, the expired one is counted apart", len(bad)), nil
}

// loginSSO has bob go to an identity provider and back, bring the code to the
// token endpoint, sign in by what comes, and show the same answer again.
func (r *round) loginSSO(ctx context.Context) (_ string, err error) {
	if err := r.signIn(ctx); err != nil {
		return "", err
	}
	if err := r.login.Keys(ctx); err != nil {
		return "", err
	}
	sso, err := r.login.OpenSSO(ctx)
	if err != nil {
		return "", err
	}
	defer func() {
		if closing := sso.CloseSSO(ctx); err == nil {
			err = closing
		}
	}()
	c, err := r.login.Client("", "")
	if err != nil {
		return "", err
	}
	away, err := c.Begin(ctx, "code")
	if err != nil {
		return "", err
	}
	to, form, err := sso.IdP.Answer(away, "bob", "")
	if err != nil {
		return "", err
	}
	page, err := c.Post(ctx, to, form)
	if err != nil || page.Status != http.StatusFound {
		return "", fmt.Errorf("fedlet: %+v, %v", page, err)
	}
	r.note(page)
	at, err := url.Parse(page.Header.Get("Location"))
	if err != nil {
		return "", err
	}
	tokens, err := c.Exchange(ctx, login.Code(at))
	if err != nil {
		return "", err
	}
	if err := r.ownRecord(ctx, "bob", tokens.Access); err != nil {
		return "", err
	}
	if again, err := c.Post(ctx, to, form); err != nil || again.Status != http.StatusForbidden {
		return "", fmt.Errorf("the answer replayed gets %+v, %v", again, err)
	}
	return "sent to the identity provider by a signed question, back with a signed answer, code and tokens of the home cluster, in; 403 for the answer replayed", nil
}

// ownRecord signs in by a token and fetches the user's own record.
func (r *round) ownRecord(ctx context.Context, user, token string) error {
	c, err := r.login.Client("", "")
	if err != nil {
		return err
	}
	c.Credentials = login.Bearer(token)
	_, page, err := c.SignIn(ctx)
	if err != nil {
		return err
	}
	r.note(page)
	record := "https://" + r.pair.World.Home.Publisher().Host + ":8443/cucm-uds/user/" + user + "/devices"
	own, err := c.Get(ctx, record)
	if err != nil || own.Status != http.StatusOK || !bytes.Contains(own.Body, []byte("CSF"+strings.ToUpper(user))) {
		return fmt.Errorf("the record of %s: %+v, %v", user, own, err)
	}
	return nil
}
