package worlds

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/test/deploy"
	"sallyport/test/lab"
	"sallyport/test/login"
	"sallyport/test/pair"
)

// Attempts are all that the users of the worlds do, in order: first each at
// home, where everything works, then each in every other world.
func (w *Worlds) Attempts() (all []deploy.Attempt) {
	for _, x := range w.all {
		all = append(all, w.atHome(x)...)
	}
	for _, from := range w.all {
		for _, to := range w.all {
			if from != to {
				all = append(all, w.abroad(from, to)...)
			}
		}
	}
	return all
}

// attempt is done by a user of x, whose doings no world but those allowed may
// see anything of.
func (w *Worlds) attempt(x *world, says string, do func(context.Context) error, allowed ...*world) deploy.Attempt {
	return deploy.Attempt{Says: fmt.Sprintf("%s of %s %s", x.user, x.name, says), Do: func(ctx context.Context) error {
		before := map[*world]sight{}
		for _, other := range w.all {
			before[other] = look(other, x)
		}
		err := do(ctx)
		for _, other := range w.all {
			if other != x && !slices.Contains(allowed, other) {
				err = errors.Join(err, before[other].same(look(other, x)))
			}
		}
		return err
	}}
}

// sight is what a world has seen.
type sight struct {
	of               string
	web, http        int
	chats, tries     int
	codes, strangers int // SIP messages with another world's users in them
	last             string
}

func look(at, of *world) sight {
	s := sight{of: at.name, web: len(at.Web.Seen()), chats: len(at.Chat.Seen()), tries: at.Chat.Tries(), codes: len(at.Activation.Seen())}
	asked := at.Asked()
	if s.http = len(asked); s.http > 0 {
		s.last = asked[s.http-1]
	}
	for _, c := range at.Received() {
		if bytes.Contains(c.Raw, []byte("@"+of.domain)) {
			s.strangers++
		}
	}
	return s
}

func (s sight) same(now sight) error {
	last := now.last
	s.last, now.last = "", ""
	if s != now {
		return fmt.Errorf("%s saw something of it: %+v before, %+v now (%s)", s.of, s, now, last)
	}
	return nil
}

// atHome is what works.
func (w *Worlds) atHome(x *world) []deploy.Attempt {
	node := x.Home.Publisher().Host
	return []deploy.Attempt{
		w.attempt(x, "signs in, and is told of servers at home only", func(ctx context.Context) error { return w.signIn(ctx, x) }),
		w.attempt(x, "registers and calls", func(ctx context.Context) error { return w.register(ctx, x) }),
		w.attempt(x, "gets an own page", func(ctx context.Context) error { return gets(ctx, x, x.Web.URL("http", "/page/x"), http.StatusOK) }),
		w.attempt(x, "gets an own file", func(ctx context.Context) error {
			return gets(ctx, x, "http://"+node+":6970/jabber-config.xml", http.StatusOK)
		}),
		w.attempt(x, "gets the own voicemail's version", func(ctx context.Context) error {
			return gets(ctx, x, fmt.Sprintf("https://%s:8443/vmrest/version", x.Home.Voicemail), http.StatusOK)
		}),
		w.attempt(x, "chats", func(ctx context.Context) (err error) {
			x.chat, err = w.dialChat(ctx, x, x)
			return err
		}),
		w.attempt(x, "signs in by an own token", func(ctx context.Context) error {
			return w.byToken(ctx, x, x.Tokens.Access(x.user, time.Hour), http.StatusOK)
		}),
		w.attempt(x, "onboards a phone", func(ctx context.Context) error {
			device := "SEP00000000" + strings.ToUpper(x.name)
			_, err := x.stage.Onboard(ctx, device, x.Activation.AddCode(device, x.user, "", time.Hour))
			return err
		}),
	}
}

// signIn wants the answer to name no server of another world.
func (w *Worlds) signIn(ctx context.Context, x *world) (err error) {
	if x.client, err = x.stage.Client(x.user, x.password(x.user)); err != nil {
		return err
	}
	config, page, err := x.client.SignIn(ctx)
	if err != nil {
		return err
	}
	for _, name := range login.Services() {
		if s := config.Service(name); name != "tftpServer" && len(s.Servers) == 0 {
			err = errors.Join(err, fmt.Errorf("no servers of %s (%s)", name, s.Error))
		}
	}
	for _, other := range w.all {
		if other != x && bytes.Contains(page.Body, []byte(other.Prefix())) {
			err = errors.Join(err, fmt.Errorf("the answer names servers of %s: %s", other.name, page.Body))
		}
	}
	return err
}

func (w *Worlds) register(ctx context.Context, x *world) (err error) {
	x.phone, err = w.Pair.Phone(x.user, 440, func(c *lab.PhoneConfig) { c.Domain = x.domain })
	if err != nil {
		return err
	}
	x.phone.SetToken(x.Tokens.Access(x.user, time.Hour))
	if err = x.phone.Start(ctx); err == nil {
		err = x.phone.Register(ctx)
	}
	if err != nil {
		return err
	}
	call, err := x.phone.Call(ctx, "carol")
	if err != nil {
		return err
	}
	<-x.Carol.Incoming() // it has answered: nobody else shall take it for his
	_, err = call.AwaitMedia(ctx, lab.CarolTone, 3)
	return errors.Join(err, call.Hangup(ctx))
}

// dialChat logs a user of x in to chat in the domain of at.
func (w *Worlds) dialChat(ctx context.Context, x, at *world) (*lab.Chat, error) {
	return w.Pair.Chat(ctx, x.user, func(c *lab.ChatConfig) { c.Domain = at.domain })
}

// gets wants a status of an inside URL.
func gets(ctx context.Context, x *world, inside string, status int) error {
	page, err := x.client.Get(ctx, inside)
	if err == nil && page.Status != status {
		err = fmt.Errorf("%s: status %d, want %d: %.200s", inside, page.Status, status, page.Body)
	}
	return err
}

// byToken presents a token in the domain of x.
func (w *Worlds) byToken(ctx context.Context, x *world, token string, status int) error {
	c, err := x.stage.Client("", "")
	if err != nil {
		return err
	}
	c.Credentials = login.Bearer(token)
	return signsIn(ctx, c, status)
}

func signsIn(ctx context.Context, c *login.Client, status int) error {
	_, page, err := c.Browser.SignIn(ctx, c.Credentials)
	if err == nil && page.Status != status {
		err = fmt.Errorf("status %d, want %d: %.200s", page.Status, status, page.Body)
	}
	return err
}

// abroad is what a user of x tries in another world.
func (w *Worlds) abroad(x, to *world) (all []deploy.Attempt) {
	add := func(says string, do func(context.Context) error, allowed ...*world) {
		all = append(all, w.attempt(x, says, do, allowed...))
	}
	node := to.Home.Publisher().Host
	all = append(all, w.bySIP(x, to)...)
	for what, url := range map[string]string{
		"a page":           to.Web.URL("http", "/page/x"),
		"a file by TFTP":   "http://" + node + ":6970/jabber-config.xml",
		"a record by UDS":  "https://" + node + ":8443/cucm-uds/user/" + x.user + "/devices",
		"the cluster list": "https://" + node + ":8443/cucm-uds/servers",
		"voicemail":        fmt.Sprintf("https://%s:8443/vmrest/version", to.Home.Voicemail),
	} {
		add("asks for "+what+" of "+to.name, func(ctx context.Context) error { return gets(ctx, x, url, http.StatusForbidden) })
	}
	// The home of a user is looked for among the clusters of the domain: those
	// of to judge the password, and nobody else hears of it.
	add("signs in at "+to.name+" with the password of home", func(ctx context.Context) error {
		c, err := to.stage.Client(x.user, x.password(x.user))
		if err != nil {
			return err
		}
		before := look(x, x)
		err = signsIn(ctx, c, http.StatusUnauthorized)
		return errors.Join(err, before.same(look(x, x)))
	}, to)
	add("shows the token of home at "+to.name, func(ctx context.Context) error {
		return w.byToken(ctx, to, x.Tokens.Access(to.user, time.Hour), http.StatusUnauthorized)
	})
	// The presence node of to judges the password first, so that nobody can tell
	// by time who is signed in; it is the right one there, and helps nothing.
	add("logs in to chat at "+to.name, func(ctx context.Context) error {
		before := look(x, x)
		c, err := w.dialChat(ctx, x, to)
		if err == nil {
			return errors.Join(errors.New("it is let in"), c.Close())
		}
		return before.same(look(x, x))
	}, to)
	add("writes to a user of "+to.name, func(ctx context.Context) error {
		before := len(x.Chat.Seen())
		if err := x.chat.Send("carol@"+to.domain, "hello from "+x.name); err != nil {
			return err
		}
		return within(ctx, func() error { // the own presence node has it: it went no other way
			if len(x.Chat.Seen()) == before {
				return errors.New("the own presence node did not see it")
			}
			return nil
		})
	})
	device := "SEP" + strings.ToUpper(x.name+to.name)
	add("onboards a phone at a server of "+to.name, func(ctx context.Context) error {
		return w.activates(ctx, x, "https://"+node+":8443", device, to.Activation.AddCode(device, to.user, "", time.Hour))
	})
	add("redeems a code of "+to.name, func(ctx context.Context) error {
		return w.activates(ctx, x, "", device, to.Activation.AddCode(device, to.user, "", time.Hour))
	})
	return all
}

// activates wants a code to be refused in the activation domain of x.
func (w *Worlds) activates(ctx context.Context, x *world, base, device, code string) error {
	phone, err := x.stage.Fresh(x.stage.Maker, device, x.stage.Activation)
	if err != nil {
		return err
	}
	_, err = phone.Activate(ctx, base, device, code)
	if no := (*lab.PageError)(nil); !errors.As(err, &no) || no.Status != http.StatusForbidden {
		return fmt.Errorf("got %v, want 403", err)
	}
	return nil
}

// bySIP is all that a registered phone of x sends to users and servers of
// another world.
func (w *Worlds) bySIP(x, to *world) (all []deploy.Attempt) {
	for _, target := range []string{"sip:carol@" + to.domain, "sip:carol@" + to.registrar().String(), "sip:carol@" + to.Home.Publisher().Host} {
		for _, method := range []string{"INVITE", "SUBSCRIBE", "MESSAGE", "REGISTER"} {
			all = append(all, w.attempt(x, "sends "+method+" "+target, func(ctx context.Context) error {
				m := x.phone.Request(method, target)
				switch method {
				case "SUBSCRIBE":
					m.Add("Event", "presence").Add("Expires", "300")
				case "REGISTER":
					m = x.phone.Registration()
					m.SetURI(strings.Replace(target, "carol@", "", 1))
				}
				answer, err := x.phone.Ask(ctx, m)
				if answer == nil {
					return err
				}
				if s := answer.Status(); s != http.StatusForbidden && s != http.StatusNotFound {
					return fmt.Errorf("it is answered with %s", answer.Start)
				}
				return nil
			}))
		}
	}
	all = append(all, deploy.Attempt{Says: fmt.Sprintf("call control of %s calls %s of %s on the way that %s's knows", x.name, to.user, to.name, to.name), Do: func(ctx context.Context) error {
		err := w.staging.Trespass(ctx, x.registrar(), to.Registrar.Bindings(to.user))
		if slices.ContainsFunc(to.phone.Received(), func(c lab.Capture) bool { return bytes.Contains(c.Raw, []byte("mallory@")) }) {
			err = errors.Join(err, errors.New("the phone saw it"))
		}
		return err
	}})
	if to.domain != isolatedDomain {
		return all
	}
	return append(all, w.attempt(x, "registers at "+to.name+" with the token of home", func(ctx context.Context) error {
		p, err := w.Pair.Phone(to.user, 440, func(c *lab.PhoneConfig) { c.Domain = to.domain })
		if err != nil {
			return err
		}
		defer p.Close()
		if err := p.Start(ctx); err != nil {
			return err
		}
		before := look(to, to)
		p.SetToken(x.Tokens.Access(to.user, time.Hour))
		if p.Register(ctx) == nil {
			err = errors.New("it is let in")
		}
		return errors.Join(err, before.same(look(to, to)))
	}))
}

// within tries until it holds.
func within(ctx context.Context, try func() error) error {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-tick.C:
		}
	}
}

// Hold makes all attempts, in order: those of package deploy first, while nobody
// has to sign in. live is a registered phone of the live world.
func (w *Worlds) Hold(ctx context.Context, live *lab.Phone) (string, error) {
	first, err := w.staging.Isolated(ctx, live)
	if err != nil {
		return "", err
	}
	if err := w.Furnish(ctx); err != nil {
		return "", err
	}
	all := w.Attempts()
	for _, a := range all {
		if err := a.Do(ctx); err != nil {
			return "", fmt.Errorf("%s: %w", a.Says, err)
		}
	}
	return fmt.Sprintf("%s; then %d of users of %s, %s and %s who sign in, by SIP, HTTP, chat, token, login and onboarding: nothing reached another world",
		first, len(all), pair.Domain, deploy.Domain, isolatedDomain), nil
}
