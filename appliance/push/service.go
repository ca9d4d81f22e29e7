package push

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"sallyport/appliance/xapi"
)

// A service is a provider that is in use.
type service struct {
	Provider
	server *Server
	client *http.Client
	tokens *http.Client // FCM
	slots  chan struct{}

	pass pass // our token

	mu                 sync.Mutex // guards all below
	sent, gone, failed int
	cause              string
}

// same tells whether a provider is what the service was made of.
func (v *service) same(p Provider) bool {
	was := v.Provider
	was.ec, was.rsa, p.ec, p.rsa = nil, nil, nil, nil // Key says it
	return was == p
}

func (v *service) close() {
	v.client.CloseIdleConnections()
	if v.tokens != nil {
		v.tokens.CloseIdleConnections()
	}
}

// A refusal is an answer other than the wished one.
type refusal struct {
	status int
	reason string // the service's word for it
	ours   bool   // our credentials are at fault
	stale  bool   // our token is too old
	gone   bool   // the phone is
	after  time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.status, r.reason) }

func (r *refusal) Unwrap() error {
	if r.gone {
		return ErrGone
	}
	return nil
}

// again tells whether another try may help.
func (r *refusal) again() bool {
	return r.stale || !r.gone && !r.ours && (r.status == http.StatusTooManyRequests || r.status >= 500)
}

const tries = 4

// insist asks until the service has taken it or said no.
func (v *service) insist(ctx context.Context, d Device, why string, lasts time.Duration) error {
	pause := v.server.cfg.Backoff
	for try := 1; ; try++ {
		err := v.send(ctx, d, why, lasts)
		var no *refusal
		if refused := errors.As(err, &no); err == nil || try == tries || refused && !no.again() {
			return err
		}
		wait := pause/2 + time.Duration(v.server.cfg.Rand()%uint64(pause))
		if no != nil {
			wait = max(wait, no.after)
			if no.stale {
				v.pass.drop()
			}
		}
		pause *= 2
		t := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			t.Stop()
			return err
		case <-t.C:
		}
	}
}

func (v *service) send(ctx context.Context, d Device, why string, lasts time.Duration) error {
	switch v.Type {
	case APNS:
		return v.sendAPNS(ctx, d, why, lasts)
	case FCM:
		return v.sendFCM(ctx, d, why, lasts)
	}
	return v.sendGateway(ctx, d, why, lasts)
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 64 << 10

// do sends one request. The address of it, which may name the phone, is in no
// error.
func do(c *http.Client, req *http.Request) (resp *http.Response, body []byte, err error) {
	resp, err = c.Do(req)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		return nil, nil, fmt.Errorf("%s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	return resp, body, err
}

// note counts how it went; a refusal of us is an alarm until one is taken.
func (v *service) note(err error) {
	v.mu.Lock()
	var no *refusal
	known := errors.As(err, &no)
	switch {
	case err == nil:
		v.sent++
	case errors.Is(err, ErrGone):
		v.gone++
	default:
		v.failed++
		v.cause = err.Error()
	}
	v.mu.Unlock()
	switch {
	case known && no.ours:
		v.server.cfg.Alarms.Raise(xapi.AlarmPush, v.Name, v.Name+": "+err.Error())
	case err == nil || known && no.gone:
		v.server.cfg.Alarms.Lower(xapi.AlarmPush, v.Name)
	}
}

func (v *service) report(t *xapi.Node) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t.Str("Name", v.Name).Leaf("Type", v.Type).Int("Sent", v.sent).Int("Gone", v.gone).Int("Failed", v.failed)
	cause := v.cause
	if v.flaw != "" {
		cause = v.flaw
	}
	if cause != "" {
		t.Str("Cause", cause)
	}
}

// A pass is a token that is made or fetched once and used for a while.
type pass struct {
	mu    sync.Mutex // held while it is fetched: the others wait for it
	text  string
	until time.Time
}

func (p *pass) get(now time.Time, make func() (string, time.Duration, error)) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.text != "" && now.Before(p.until) {
		return p.text, nil
	}
	text, lasts, err := make()
	if err != nil {
		return "", err
	}
	p.text, p.until = text, now.Add(lasts)
	return text, nil
}

func (p *pass) drop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.text = ""
}
