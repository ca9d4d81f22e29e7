package pair

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"sallyport/test/lab"
	"sallyport/test/story"
)

// verbs are what a story may say beside shell lines:
//
//	phone NAME VERB …      a softphone; NAME.2 is its second line
//	stranger NAME VERB …   a raw client
//	registrar VERB …       call control inside
//	node NAME stop|start   power off and on
//	browser gets PATH      a page of the inside web server
//	tokens import|regenerate  the cluster's token keys: core's sftp folder gets them, or they are made anew
//	pushes VERB …          the push services
//	link up                until every node has a peer
func (s *stage) verbs() map[string]story.Verb {
	return map[string]story.Verb{
		"phone": s.phoneVerb, "stranger": s.strangerVerb, "registrar": s.registrarVerb,
		"node": s.nodeVerb, "link": s.linkVerb, "tokens": s.tokensVerb, "browser": s.browserVerb, "pushes": s.pushesVerb,
	}
}

// stepTime bounds one verb.
const stepTime = 30 * time.Second

// player is who a phone verb is about.
type player struct {
	*stage
	name, line string // line is NAME or NAME.2
	phone      *lab.Phone
	call       *lab.Call // the line's, if there is one
	script     *story.Script
	args       []string
}

func (s *stage) phoneVerb(ctx context.Context, sc *story.Script, args []string) (string, error) {
	if len(args) < 2 {
		return "", errors.New("phone NAME VERB")
	}
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	p := &player{stage: s, line: args[0], script: sc, args: args[2:]}
	p.name, _, _ = strings.Cut(args[0], ".")
	if args[1] == "start" {
		return p.start(ctx)
	}
	var err error
	if p.phone, err = s.phone(p.name); err != nil {
		return "", err
	}
	p.call = s.calls[p.line]
	if f := phoneVerbs[args[1]]; f != nil {
		return f(p, ctx)
	}
	f := callVerbs[args[1]]
	if f == nil {
		return "", fmt.Errorf("phones cannot %s", args[1])
	}
	if p.call == nil {
		return "", fmt.Errorf("%s has no call", p.line)
	}
	return f(p, ctx)
}

// arg is the n-th argument, "" if there are fewer.
func (p *player) arg(n int) string {
	if n < len(p.args) {
		return p.args[n]
	}
	return ""
}

// start makes a phone and connects it. Options: as=USER password=X domain=X
// transport=TCP suites=A,B expires=SECONDS keepalive=stun turn=udp; ice walled mux manual busy
// reliable plain fallback no-outbound reconnect inside like=NAME (its instance).
func (p *player) start(ctx context.Context) (string, error) {
	change := func(c *lab.PhoneConfig) {
		for _, o := range p.args {
			option(c, o)
			switch k, v, _ := strings.Cut(o, "="); k {
			case "at":
				if v == "edge2" {
					atEdge2(p.pair)(c)
				}
			case "turn":
				p.pair.WithTURN(v)(c)
			case "walled":
				c.Wall = p.pair.NotEdge
			}
		}
	}
	var phone *lab.Phone
	var err error
	tone := map[string]float64{"alice": 440, "bob": 660, "dave": 1200}[user(p.name)]
	if user(p.name) == lab.RoomUser {
		phone, err = p.pair.RoomPhone(change)
	} else if strings.HasPrefix(p.name, "inside-") {
		phone, err = p.pair.World.InsidePhone(user(p.name), tone, change)
	} else {
		phone, err = p.pair.Phone(user(p.name), tone, change)
	}
	if err != nil {
		return "", err
	}
	p.phones[p.name] = phone
	return "", phone.Start(ctx)
}

func option(c *lab.PhoneConfig, o string) {
	k, v, _ := strings.Cut(o, "=")
	switch k {
	case "as":
		c.User = v
	case "password":
		c.Password = v
	case "domain":
		c.Domain = v
	case "device":
		c.Device = v
	case "instance":
		c.Instance = "<urn:uuid:" + v + ">"
	case "expires":
		n, _ := strconv.Atoi(v)
		c.Expires = time.Duration(n) * time.Second
	case "transport":
		c.Transport = v
		c.Server = netip.AddrPortFrom(c.Server.Addr(), 5060)
	case "suites":
		c.Suites = nil
		for _, x := range strings.Split(v, ",") {
			c.Suites = append(c.Suites, lab.Suite(x))
		}
	case "keepalive":
		c.Keepalive, c.Every = lab.CRLFKeepalive, 30*time.Millisecond
		if v == "stun" {
			c.Keepalive = lab.STUNKeepalive
		}
	case "mux":
		c.Mux = true
	case "ice":
		c.ICE = true
	case "manual":
		c.AutoAnswer = false
	case "busy":
		c.Busy = true
	case "reliable":
		c.Reliable = true
	case "plain":
		c.Suites = nil
	case "no-outbound":
		c.Outbound = false
	case "reconnect":
		c.Reconnect = true
	case "push":
		pushed(c, v)
	case "persist":
		c.Persist = true
	case "fallback":
		c.Fallback = true
	}
}

// status makes a final answer into the text of a step: a refusal is an answer,
// anything else a failure.
func status(err error) (string, error) {
	var refused *lab.StatusError
	switch {
	case err == nil:
		return "", nil
	case errors.As(err, &refused):
		return fmt.Sprintf("%d %s\n", refused.Status, strings.TrimPrefix(refused.Reason, fmt.Sprintf("SIP/2.0 %d ", refused.Status))), err
	}
	return "", err
}

type phoneDo func(*player, context.Context) (string, error)

var phoneVerbs = map[string]phoneDo{
	"register": func(p *player, ctx context.Context) (string, error) {
		text, err := status(p.phone.Register(ctx))
		if err == nil {
			text = fmt.Sprintf("for %s\n", p.phone.Lease())
		}
		return text, err
	},
	"token":      (*player).token,
	"password":   func(p *player, _ context.Context) (string, error) { p.phone.SetPassword(p.arg(0)); return "", nil },
	"unregister": func(p *player, ctx context.Context) (string, error) { return status(p.phone.Unregister(ctx)) },
	"drop": func(p *player, ctx context.Context) (string, error) {
		p.phone.DropConnection()
		return "", poll(ctx, func() error {
			if p.phone.Connected() {
				return errors.New("still connected")
			}
			return nil
		})
	},
	"leaves": func(p *player, ctx context.Context) (string, error) {
		return "", p.phone.Leave(ctx, p.arg(0) == "silently")
	},
	"arrives": (*player).arrives,
	"connect": func(p *player, ctx context.Context) (string, error) { return "", p.phone.Connect(ctx) },
	"connected": func(p *player, ctx context.Context) (string, error) {
		return "", poll(ctx, func() error {
			if !p.phone.Connected() {
				return errors.New("not connected")
			}
			return nil
		})
	},
	"pongs": func(p *player, ctx context.Context) (string, error) {
		want, _ := strconv.Atoi(p.arg(0))
		return "", poll(ctx, func() error {
			if n := p.phone.Pongs(); n < want {
				return fmt.Errorf("%d pongs", n)
			}
			return nil
		})
	},
	"call":   func(p *player, ctx context.Context) (string, error) { return p.dial(ctx, true) },
	"invite": func(p *player, ctx context.Context) (string, error) { return p.dial(ctx, false) },
	"rings": func(p *player, ctx context.Context) (string, error) {
		select {
		case c := <-p.phone.Incoming():
			p.calls[p.line] = c
			return "from " + c.From() + "\n", nil
		case <-ctx.Done():
			return "", errors.New("nobody calls")
		}
	},
	"message": func(p *player, ctx context.Context) (string, error) {
		return status(p.phone.Message(ctx, p.arg(0), p.arg(1)))
	},
	"reads": func(p *player, ctx context.Context) (string, error) {
		select {
		case m := <-p.phone.Inbox():
			return m.From + ": " + m.Body + "\n", nil
		case <-ctx.Done():
			return "", errors.New("no message")
		}
	},
	"publish": func(p *player, ctx context.Context) (string, error) {
		return status(p.phone.Publish(ctx, p.arg(0), "application/pidf+xml", p.arg(1)))
	},
	"options": func(p *player, ctx context.Context) (string, error) {
		m, err := p.phone.Options(ctx, p.arg(0))
		if err != nil {
			return status(err)
		}
		return m.Start + "\n", nil
	},
	"subscribe": func(p *player, ctx context.Context) (string, error) {
		sub, err := p.phone.Subscribe(ctx, p.arg(0), p.arg(1))
		if err == nil {
			p.subs[p.line] = sub
		}
		return status(err)
	},
	"refreshes": func(p *player, ctx context.Context) (string, error) { return status(p.subs[p.line].Refresh(ctx)) },
	"ends":      func(p *player, ctx context.Context) (string, error) { return status(p.subs[p.line].End(ctx)) },
	"notified": func(p *player, ctx context.Context) (string, error) {
		select {
		case n := <-p.subs[p.line].Notes():
			return strings.TrimSpace(n.State+"\n"+strings.ReplaceAll(n.Body, "\r", "")) + "\n", nil
		case <-ctx.Done():
			return "", errors.New("no NOTIFY")
		}
	},
	"sends":    (*player).sends,
	"received": (*player).received,
}

// dial calls somebody: late offers nothing, video two lines; wait is for the
// answer.
func (p *player) dial(ctx context.Context, wait bool) (string, error) {
	var opts []lab.CallOption
	for _, o := range p.args[min(1, len(p.args)):] {
		switch o {
		case "late":
			opts = append(opts, lab.LateOffer)
		case "video":
			opts = append(opts, lab.WithVideo)
		}
	}
	c, err := p.phone.Invite(ctx, p.arg(0), opts...)
	if err != nil {
		return status(err)
	}
	p.calls[p.line] = c
	if !wait {
		return "", nil
	}
	return status(c.Await(ctx, lab.CallAnswered))
}

var callVerbs = map[string]phoneDo{
	"progress": func(p *player, ctx context.Context) (string, error) {
		err := p.call.Await(ctx, lab.CallRinging)
		return strings.Trim(fmt.Sprintln(p.call.Progress()), "[]\n") + "\n", err
	},
	"talks": func(p *player, ctx context.Context) (string, error) {
		return status(p.call.Await(ctx, lab.CallAnswered))
	},
	"path":   (*player).path,
	"cut":    (*player).cut,
	"answer": func(p *player, ctx context.Context) (string, error) { return status(p.call.Answer()) },
	"reject": func(p *player, ctx context.Context) (string, error) {
		code, err := strconv.Atoi(p.arg(0))
		p.call.Reject(code, p.arg(1))
		return "", err
	},
	"early":     func(p *player, ctx context.Context) (string, error) { return status(p.call.EarlyMedia(ctx)) },
	"cancel":    func(p *player, ctx context.Context) (string, error) { p.call.Cancel(); return "", nil },
	"hangup":    func(p *player, ctx context.Context) (string, error) { return status(p.call.Hangup(ctx)) },
	"hold":      func(p *player, ctx context.Context) (string, error) { return status(p.call.Hold(ctx)) },
	"resume":    func(p *player, ctx context.Context) (string, error) { return status(p.call.Resume(ctx)) },
	"downgrade": func(p *player, ctx context.Context) (string, error) { return status(p.call.Downgrade(ctx)) },
	"held":      func(p *player, ctx context.Context) (string, error) { return fmt.Sprintln(p.call.OnHold()), nil },
	"video":     func(p *player, ctx context.Context) (string, error) { return status(p.call.AddVideo(ctx)) },
	"reoffer": func(p *player, ctx context.Context) (string, error) {
		return status(p.call.Renegotiate(ctx, p.arg(0), p.arg(1)))
	},
	"info": func(p *player, ctx context.Context) (string, error) {
		return status(p.call.Info(ctx, "application/dtmf-relay", p.arg(0)))
	},
	"infos": func(p *player, ctx context.Context) (string, error) {
		return strings.Join(p.call.Infos(), "\n") + "\n", nil
	},
	"digit":  func(p *player, ctx context.Context) (string, error) { p.call.Digit(p.arg(0)[0]); return "", nil },
	"digits": func(p *player, ctx context.Context) (string, error) { return p.call.Stats().Digits + "\n", nil },
	"mute":   func(p *player, ctx context.Context) (string, error) { p.call.Mute(p.arg(0) != "off"); return "", nil },
	"rebind": func(p *player, ctx context.Context) (string, error) {
		var to netip.Addr
		if p.arg(0) != "" {
			n, _ := strconv.Atoi(p.arg(0))
			to = p.pair.Client(n)
		}
		return "", p.call.Rebind(to)
	},
	// transfer TARGET [LINE that the new call replaces]
	"transfer": func(p *player, ctx context.Context) (string, error) {
		return status(p.call.Refer(ctx, p.arg(0), p.calls[p.arg(1)]))
	},
	// takes names the call that a transfer made of this one.
	"takes": func(p *player, ctx context.Context) (string, error) {
		return "", poll(ctx, func() error {
			all := p.call.Transfers()
			if len(all) == 0 {
				return errors.New("no transfer")
			}
			p.calls[p.arg(0)] = all[len(all)-1]
			return nil
		})
	},
	"ended": func(p *player, ctx context.Context) (string, error) {
		err := p.call.Await(ctx, lab.CallEnded)
		return fmt.Sprintln(p.call.Cause()), err
	},
	"hears": (*player).hears,
	// flows waits for packets on the n-th media line.
	"flows": func(p *player, ctx context.Context) (string, error) {
		n, _ := strconv.Atoi(p.arg(0))
		from := p.call.Stats(n).Received
		return "", poll(ctx, func() error {
			if got := p.call.Stats(n).Received - from; got < 20 {
				return fmt.Errorf("%d packets", got)
			}
			return nil
		})
	},
	"rtcp": func(p *player, ctx context.Context) (string, error) {
		return "", poll(ctx, func() error {
			if p.call.Stats().RTCP == 0 {
				return errors.New("no report")
			}
			return nil
		})
	},
	"suite": func(p *player, ctx context.Context) (string, error) {
		st := p.call.Stats()
		return fmt.Sprintf("%s %s\n", st.SendSuite, st.RecvSuite), nil
	},
	"losses": func(p *player, ctx context.Context) (string, error) {
		st := p.call.Stats()
		return fmt.Sprintf("lost %d, unreadable %d, foreign %d\n", st.Lost, st.DecodeErrors, st.Foreign), nil
	},
}

// hears waits for a tone, or that nothing comes for 300 ms.
func (p *player) hears(ctx context.Context) (string, error) {
	if p.arg(0) == "nothing" {
		for {
			from := p.call.Stats().Received
			select {
			case <-ctx.Done():
				return p.call.Stats().String() + "\n", errors.New("it goes on")
			case <-time.After(300 * time.Millisecond):
			}
			if p.call.Stats().Received == from {
				return "", nil
			}
		}
	}
	hz, err := strconv.ParseFloat(p.arg(0), 64)
	if err != nil {
		return "", err
	}
	st, err := p.call.AwaitMedia(ctx, hz, 15)
	if err != nil {
		return st.String() + "\n", err
	}
	return "", nil
}

// received waits for a message whose start contains the first argument and
// shows the rows named by the others.
func (p *player) received(ctx context.Context) (string, error) {
	var found *lab.Message
	err := poll(ctx, func() error {
		for _, c := range p.phone.Received() {
			if m, err := lab.ParseMessage(c.Raw); err == nil && strings.Contains(m.Start+" "+m.Get("CSeq"), p.arg(0)) {
				found = m
			}
		}
		if found == nil {
			return fmt.Errorf("no %s came", p.arg(0))
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	var out strings.Builder
	for _, name := range p.args[1:] {
		values := found.All(name)
		if strings.HasSuffix(name, "-Authenticate") { // whose commas part parameters
			values = values[:0]
			for _, f := range found.Fields {
				if f.Name == name {
					values = append(values, f.Value)
				}
			}
		}
		for _, v := range values {
			fmt.Fprintf(&out, "%s: %s\n", name, v)
		}
	}
	return out.String(), nil
}

// sends sends a request from a file of the story over the phone's connection
// and shows the answer; "unanswered" waits for none, "authorized" answers a
// challenge. A missing Via, Call-ID, CSeq and the like are added.
func (p *player) sends(ctx context.Context) (string, error) {
	m, err := p.compose(p.script, p.arg(0), p.name)
	if err != nil {
		return "", err
	}
	if p.arg(1) == "unanswered" {
		return "", p.phone.SendRaw(m.Bytes())
	}
	send := p.phone.Exchange
	if p.arg(1) == "authorized" {
		send = p.phone.Ask
	}
	resp, err := send(ctx, m)
	if resp == nil {
		return "", err
	}
	return p.plain(resp), nil
}

// plain is the status of an answer, with the pair's own net left open.
func (s *stage) plain(resp *lab.Message) string {
	return strings.ReplaceAll(strings.TrimPrefix(resp.Start, "SIP/2.0 "), s.pair.at(""), "net.") + "\n"
}

// compose reads a request out of a file of the story. {LINE.route} is the
// route set of a call, {LINE.target} the far contact, {LINE.id}, {LINE.local} and
// {LINE.remote} are its Call-ID and tags.
func (s *stage) compose(sc *story.Script, file, sender string) (*lab.Message, error) {
	text, ok := sc.Files[file]
	if !ok {
		return nil, fmt.Errorf("the story has no file %s", file)
	}
	filled := s.fill(string(text))
	if !strings.Contains(filled, "\n\n") {
		filled += "\n"
	} else {
		filled = strings.TrimSuffix(filled, "\n")
	}
	m, err := lab.ParseMessage([]byte(strings.ReplaceAll(filled, "\n", "\r\n")))
	if err != nil {
		return nil, err
	}
	for _, f := range []lab.Field{{Name: "Max-Forwards", Value: "70"}, {Name: "Call-ID", Value: fmt.Sprint("story-", sender, "-", time.Now().UnixNano())},
		{Name: "CSeq", Value: fmt.Sprint(time.Now().Unix()%1000000, " ", m.Method())}} {
		if m.Get(f.Name) == "" {
			m.Add(f.Name, f.Value)
		}
	}
	return m, nil
}

func (s *stage) fill(text string) string {
	var pairs []string
	for line, c := range s.calls {
		local, remote := c.Tags()
		pairs = append(pairs, "{"+line+".id}", c.CallID(), "{"+line+".local}", local, "{"+line+".remote}", remote,
			"{"+line+".target}", c.Target())
		if r := c.Route(); len(r) > 0 {
			pairs = append(pairs, "{"+line+".route}", strings.Join(r, ", "))
		}
	}
	pairs = append(pairs, "{net}", s.pair.cfg.Net)
	return strings.NewReplacer(pairs...).Replace(text)
}

// clientTLS is what a stranger needs to reach edge over TLS.
func (s *stage) clientTLS() (*tls.Config, error) { return lab.ClientTLS(s.pair.CA, EdgeName, nil) }
