package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"sallyport/test/deploy"
	"sallyport/test/lab"
)

// Attempts are what somebody outside may try, in order.
func (s *Stage) Attempts() []deploy.Attempt {
	w := s.World
	own := func(user string) string { return s.uds(w.Home, "/cucm-uds/user/"+user+"/devices") }
	return []deploy.Attempt{
		{Says: "without signing in nothing passes, and nothing gets inside", Do: func(ctx context.Context) error {
			before := len(w.UDS.Seen())
			c, err := s.User("alice")
			if err != nil {
				return err
			}
			return errors.Join(s.gets(ctx, c, own("alice"), http.StatusUnauthorized), want("requests inside", len(w.UDS.Seen()), before))
		}},
		{Says: "a user signs in and fetches the own record", Do: func(ctx context.Context) error {
			c, err := s.signedIn(ctx, "alice")
			if err != nil {
				return err
			}
			return s.gets(ctx, c, own("alice"), http.StatusOK)
		}},
		{Says: "but nobody else's", Do: func(ctx context.Context) error {
			c, err := s.signedIn(ctx, "alice")
			if err != nil {
				return err
			}
			return s.gets(ctx, c, own("bob"), http.StatusForbidden)
		}},
		{Says: "a wrong password and an unknown user get the same answer", Do: s.sameRefusal},
		{Says: "a stolen cookie is of no use to another user, nor without the password", Do: s.theft},
		{Says: "the cookie of an own login does not help with a wrong password", Do: func(ctx context.Context) error {
			c, err := s.signedIn(ctx, "alice")
			if err != nil {
				return err
			}
			c.Credentials = lab.Basic("alice", "guess")
			return s.gets(ctx, c, own("alice"), http.StatusUnauthorized)
		}},
		{Says: "a user of the remote cluster is sent home", Do: s.homeOf("dave", w.Remote)},
		{Says: "also where clusters do not know each other", Do: func(ctx context.Context) error {
			w.UDS.Set(func(o *lab.UDSOptions) { o.Alone = true })
			defer w.UDS.Set(func(o *lab.UDSOptions) { o.Alone = false })
			return s.homeOf("dave", w.Remote)(ctx)
		}},
		{Says: "a user without the right group is told so", Do: func(ctx context.Context) error {
			w.UDS.Set(func(o *lab.UDSOptions) { o.NoGroup = true })
			defer w.UDS.Set(func(o *lab.UDSOptions) { o.NoGroup = false })
			return s.refused(ctx, "bob", lab.Users()["bob"], http.StatusForbidden)
		}},
	}
}

// uds is a URL at a cluster's publisher.
func (s *Stage) uds(c *lab.Cluster, path string) string {
	return fmt.Sprintf("https://%s:8443%s", c.Publisher().Host, path)
}

func (s *Stage) signedIn(ctx context.Context, user string) (*Client, error) {
	c, err := s.User(user)
	if err == nil {
		_, _, err = c.SignIn(ctx)
	}
	return c, err
}

// gets wants a status of an inside URL.
func (s *Stage) gets(ctx context.Context, c *Client, inside string, status int) error {
	page, err := c.Get(ctx, inside)
	if err != nil {
		return err
	}
	return want("status of "+inside, page.Status, status)
}

func (s *Stage) refused(ctx context.Context, user, password string, status int) error {
	c, err := s.Client(user, password)
	if err != nil {
		return err
	}
	_, page, err := c.Browser.SignIn(ctx, c.Credentials)
	if err != nil {
		return err
	}
	return want("status", page.Status, status)
}

// sameRefusal compares what two strangers hear.
func (s *Stage) sameRefusal(ctx context.Context) error {
	var heard []string
	for _, user := range []string{"alice", "nobody"} {
		c, err := s.Client(user, "wrong")
		if err != nil {
			return err
		}
		_, page, err := c.Browser.SignIn(ctx, c.Credentials)
		if err != nil {
			return err
		}
		page.Header.Del("Date")
		heard = append(heard, fmt.Sprint(page.Status, page.Header, string(page.Body)))
	}
	if heard[0] != heard[1] || !strings.HasPrefix(heard[0], "401") {
		return fmt.Errorf("%s\n%s", heard[0], heard[1])
	}
	return nil
}

// theft gives bob alice's cookie, then somebody without credentials.
func (s *Stage) theft(ctx context.Context) error {
	alice, err := s.signedIn(ctx, "alice")
	if err != nil {
		return err
	}
	inside := s.uds(s.World.Home, "/cucm-uds/user/bob/devices")
	thief := &Client{alice.Browser, lab.Basic("bob", lab.Users()["bob"])}
	nobody := &Client{alice.Browser, http.Header{}}
	return errors.Join(s.gets(ctx, thief, inside, http.StatusUnauthorized), s.gets(ctx, nobody, inside, http.StatusUnauthorized))
}

// homeOf wants a user's edge configuration to name the nodes of a cluster.
func (s *Stage) homeOf(user string, c *lab.Cluster) func(context.Context) error {
	return func(ctx context.Context) error {
		client, err := s.User(user)
		if err != nil {
			return err
		}
		config, _, err := client.SignIn(ctx)
		if err != nil {
			return err
		}
		var named []string
		for _, u := range config.UDS {
			named = append(named, u.Address)
		}
		return want("nodes named", strings.Join(named, " "), c.Publisher().Host+" "+c.Subscriber().Host)
	}
}

func want[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: %v, want %v", what, got, want)
	}
	return nil
}
