package lab

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

// StatusError is a final answer other than 2xx.
type StatusError struct {
	Status int
	Reason string
}

func (e *StatusError) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Reason) }

func statusError(m *Message) error {
	reason := ""
	if len(m.Start) > 12 {
		reason = m.Start[12:]
	}
	return &StatusError{m.Status(), reason}
}

// Register registers or refreshes and waits for the answer.
func (p *Phone) Register(ctx context.Context) error { return p.register(ctx, p.cfg.Expires) }

// Unregister takes the registration back.
func (p *Phone) Unregister(ctx context.Context) error { return p.register(ctx, 0) }

// Lease is the expiry that the registrar granted last.
func (p *Phone) Lease() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lease
}

func (p *Phone) register(ctx context.Context, expires time.Duration) error {
	resp, err := p.ask(ctx, p.registerRequest(expires))
	if err != nil {
		return fmt.Errorf("lab: register %s: %w", p.cfg.User, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lease = p.grantedLocked(resp, expires)
	return nil
}

// grantedLocked reads our own Contact's expiry from the answer.
func (p *Phone) grantedLocked(resp *Message, asked time.Duration) time.Duration {
	for _, c := range resp.All("Contact") {
		if _, host, port := splitURI(uriOf(c)); host == p.local.Addr().String() && port == int(p.local.Port()) {
			if n, err := strconv.Atoi(paramOf(c, "expires")); err == nil {
				return time.Duration(n) * time.Second
			}
		}
	}
	if n, err := strconv.Atoi(resp.Get("Expires")); err == nil {
		return time.Duration(n) * time.Second
	}
	return asked
}

func (p *Phone) registerRequest(expires time.Duration) *Message {
	p.mu.Lock()
	p.regSeq++
	seq := p.regSeq
	p.mu.Unlock()
	m := NewRequest("REGISTER", "sip:"+p.cfg.Domain)
	m.Add("Max-Forwards", "70").Add("From", "<"+p.AOR()+">;tag="+p.registry[:8]).Add("To", "<"+p.AOR()+">")
	m.Add("Call-ID", p.registry).Add("CSeq", fmt.Sprintf("%d REGISTER", seq))
	m.Add("Contact", p.contact(true)).Add("Expires", fmt.Sprint(int(expires.Seconds())))
	m.Add("Supported", strings.Join(p.supported(), ", ")).Add("User-Agent", "lab-phone")
	return m
}

func (p *Phone) supported() []string {
	s := []string{"replaces", "join", "path"}
	if p.cfg.Outbound {
		s = append(s, "outbound")
	}
	if p.cfg.Persist {
		s = append(s, optionPersist)
	}
	if p.cfg.Fallback {
		s = append(s, optionFallback)
	}
	if p.cfg.Reliable {
		s = append(s, "100rel")
	}
	return s
}

// contact is where the phone says it is; a registration carries its identity.
func (p *Phone) contact(registration bool) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	uri := fmt.Sprintf("sip:%s@%s;transport=%s", p.cfg.User, p.local, strings.ToLower(p.cfg.Transport))
	if p.cfg.Outbound && !registration {
		uri += ";ob"
	}
	if registration {
		uri += p.cfg.Push
	}
	c := "<" + uri + ">"
	if p.cfg.Outbound {
		c += fmt.Sprintf(`;+sip.instance="%s"`, p.cfg.Instance)
	}
	if p.cfg.Outbound && registration {
		c += fmt.Sprintf(";reg-id=%d", p.cfg.RegID)
	}
	if p.cfg.Device != "" {
		c += fmt.Sprintf(`;+u.sip!devicename.ccm.cisco.com="%s"`, p.cfg.Device)
	}
	return c
}

// ask sends a request to the server and waits for its final answer, which is
// an error unless it is a 2xx. One challenge (or a stale one) is answered.
func (p *Phone) ask(ctx context.Context, m *Message) (*Message, error) {
	p.preauthorize(m)
	for try := 0; ; try++ {
		resp, err := p.exchange(ctx, m.Clone(), nil)
		if err != nil {
			return nil, err
		}
		switch status := resp.Status(); {
		case status < 300:
			return resp, nil
		case (status == 401 || status == 407) && try < 2 && p.answer(m, resp, try):
		default:
			return resp, statusError(resp)
		}
	}
}

// exchange runs one transaction; via is the link, nil for the server's.
func (p *Phone) exchange(ctx context.Context, m *Message, via *link) (*Message, error) {
	if via == nil {
		via = p.server()
	}
	if via == nil {
		return nil, errNotConnected
	}
	return p.sendOn(ctx, m, via)
}

// sendOn sends a request over a link and waits for its final answer.
func (s *stack) sendOn(ctx context.Context, m *Message, via *link) (*Message, error) {
	final := make(chan *Message, 1)
	s.start(via, m, func(r *Message) {
		if r.Status() >= 200 {
			select {
			case final <- r:
			default:
			}
		}
	})
	select {
	case r := <-final:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// preauthorize answers the last challenge to REGISTER again.
func (p *Phone) preauthorize(m *Message) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Method() == "REGISTER" && p.auth != nil {
		p.auth.count++
		p.credentials(m, p.auth)
	}
}

// answer puts credentials into m and raises its CSeq; a second challenge is
// answered only if it says stale.
func (p *Phone) answer(m, resp *Message, try int) bool {
	c := challengeOf(resp)
	if c == nil || (try > 0 || m.Get(c.header) != "") && !strings.EqualFold(digestParams(c.value)["stale"], "true") {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Method() == "REGISTER" {
		p.auth = c
		p.regSeq++
		m.Set("CSeq", fmt.Sprintf("%d REGISTER", p.regSeq))
	} else {
		m.Set("CSeq", fmt.Sprintf("%d %s", m.Seq()+1, m.Method()))
	}
	return p.credentials(m, c)
}

// credentials puts the answer to a challenge into m; false if the phone has none.
func (p *Phone) credentials(m *Message, c *challenge) bool {
	if strings.HasPrefix(c.value, "Bearer") {
		m.Set(c.header, "Bearer "+p.token)
		return p.token != ""
	}
	who := digestAnswer{p.cfg.User, p.cfg.Password, m.Method(), m.URI()}
	v, err := who.authorize(c.value, c.count)
	m.Set(c.header, v)
	return err == nil
}

// SetToken gives the phone an access token for the next time it is asked.
func (p *Phone) SetToken(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.token = token
}

// SetPassword is what the phone's user types from now on.
func (p *Phone) SetPassword(password string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Password, p.auth = password, nil
}

// challengeOf is the first question of an answer that the phone understands, as
// RFC 8760 has it.
func challengeOf(resp *Message) *challenge {
	for _, h := range [][2]string{{"WWW-Authenticate", "Authorization"}, {"Proxy-Authenticate", "Proxy-Authorization"}} {
		for _, f := range resp.Fields {
			if !strings.EqualFold(f.Name, h[0]) {
				continue
			}
			if alg := digestParams(f.Value)["algorithm"]; alg == "" || strings.EqualFold(alg, "MD5") {
				return &challenge{h[1], f.Value, 1}
			}
		}
	}
	return nil
}

// tend keeps the connection alive, refreshes, and comes back after a loss.
func (p *Phone) tend(ctx context.Context) {
	keep := time.NewTicker(p.cfg.Every)
	defer keep.Stop()
	renew := time.NewTicker(200 * time.Millisecond)
	defer renew.Stop()
	due := time.Now().Add(p.cfg.Expires / 2)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.lost:
			if p.cfg.Reconnect {
				p.comeBack(ctx)
			}
		case <-keep.C:
			p.keepAlive()
		case <-renew.C:
			if lease := p.Lease(); p.cfg.Refresh && lease > 0 && time.Now().After(due) {
				p.Register(ctx)
				due = time.Now().Add(p.Lease() / 2)
			}
		}
	}
}

// comeBack reconnects and registers until both succeed.
func (p *Phone) comeBack(ctx context.Context) {
	for wait := 100 * time.Millisecond; ctx.Err() == nil; wait = min(2*wait, 2*time.Second) {
		try, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := p.Connect(try)
		if err == nil {
			err = p.Register(try)
		}
		cancel()
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

func (p *Phone) keepAlive() {
	l := p.server()
	switch {
	case l == nil || !l.reliable():
	case p.cfg.Keepalive == CRLFKeepalive:
		l.send([]byte("\r\n\r\n"))
	case p.cfg.Keepalive == STUNKeepalive:
		if m, err := stun.Build(stun.TransactionID, stun.BindingRequest); err == nil {
			l.send(m.Raw)
		}
	}
}
