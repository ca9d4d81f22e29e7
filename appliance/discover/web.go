package discover

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Ways in which a publisher refuses.
var (
	ErrPassword = errors.New("the user name or the password is wrong")
	ErrRole     = errors.New("the account may not ask: on Unified CM and IM and Presence it needs the role Standard AXL API Access, on Unity Connection System Administrator")
	ErrBusy     = errors.New("the server is too busy to answer (503)")
	errVersion  = errors.New("the server does not know this version of AXL")
)

// Bounds of a conversation.
const (
	callTime  = 60 * time.Second
	dialTime  = 5 * time.Second
	busyTries = 3
	busyWait  = 2 * time.Second // between them, unless the server says how long
	maxWait   = 10 * time.Second
)

// web asks one server by HTTPS, with an account.
type web struct {
	host           string
	user, password string
	client         *http.Client
	log            *slog.Logger
	wait           time.Duration // between tries of a busy server

	port string // the one that answered
}

// webPorts are those of a UC server, the usual one first.
func webPorts() []string { return []string{"8443", "443"} }

// dialer opens connections; tests put their own network in its place.
type dialer func(ctx context.Context, network, addr string) (net.Conn, error)

func newWeb(s Source, conf *tls.Config, dial dialer, log *slog.Logger) *web {
	t := &http.Transport{
		DialContext: dial, TLSClientConfig: conf, TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 1,
		ResponseHeaderTimeout: callTime, MaxResponseHeaderBytes: 64 << 10,
	}
	return &web{
		host: s.Publisher, user: s.User, password: s.Password, log: log, wait: busyWait,
		client: &http.Client{
			Transport: t, Timeout: callTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

func (w *web) close() { w.client.CloseIdleConnections() }

// request is one question of a conversation.
type request struct {
	method, path, body string
	header             http.Header
	name               string // for the log
	open               bool   // without the account
}

// do asks, again after a while if the server is busy, and has read read the
// answer.
func (w *web) do(ctx context.Context, r request, read func(io.Reader) ([]record, error)) ([]record, error) {
	for try := 1; ; try++ {
		all, again, err := w.once(ctx, r, read)
		w.log.Debug("uc publisher asked", "event", "axl", "host", w.host, "function", r.name, "try", try, "records", len(all), "err", err)
		if !errors.Is(err, ErrBusy) || try == busyTries {
			return all, err
		}
		pause := time.NewTimer(max(again, w.wait))
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil, context.Cause(ctx)
		case <-pause.C:
		}
	}
}

func (w *web) once(ctx context.Context, r request, read func(io.Reader) ([]record, error)) ([]record, time.Duration, error) {
	resp, err := w.send(ctx, r)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	switch s := resp.StatusCode; {
	case s == http.StatusUnauthorized:
		return nil, 0, ErrPassword
	case s == http.StatusForbidden:
		return nil, 0, ErrRole
	case s == http.StatusServiceUnavailable:
		return nil, retryAfter(resp), ErrBusy
	case s == 599:
		return nil, 0, errVersion
	case s == http.StatusOK:
		all, err := read(resp.Body)
		return all, 0, err
	case s == http.StatusInternalServerError:
		return nil, 0, faultOf(resp.Body)
	default:
		return nil, 0, fmt.Errorf("the server answers %s with %d %s", r.path, s, http.StatusText(s))
	}
}

// faultOf reads the SOAP fault that a 500 carries; without one it is just that.
func faultOf(body io.Reader) error {
	var f *fault
	if _, err := readSOAP(body); errors.As(err, &f) {
		return f
	}
	return errors.New("the server answers 500 Internal Server Error")
}

func retryAfter(resp *http.Response) time.Duration {
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, maxWait)
}

// send tries the ports until one takes the connection, and stays with it.
func (w *web) send(ctx context.Context, r request) (*http.Response, error) {
	ports := webPorts()
	if w.port != "" {
		ports = []string{w.port}
	}
	var failed error
	for _, port := range ports {
		req, err := http.NewRequestWithContext(ctx, r.method, "https://"+net.JoinHostPort(w.host, port)+r.path, strings.NewReader(r.body))
		if err != nil {
			return nil, err
		}
		for k, v := range r.header {
			req.Header[k] = v
		}
		if !r.open {
			req.SetBasicAuth(w.user, w.password)
		}
		resp, err := w.client.Do(req)
		if err == nil {
			w.port = port
			return resp, nil
		}
		if failed == nil {
			failed = err
		}
		var op *net.OpError
		if !errors.As(err, &op) || op.Op != "dial" || ctx.Err() != nil {
			return nil, reach(err)
		}
	}
	return nil, fmt.Errorf("port %s: %w", strings.Join(ports, " or "), reach(failed))
}

// reach says in plain words why no answer came. The URL in the error of
// package http adds nothing.
func reach(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fmt.Errorf("the name %s cannot be resolved: %w", dns.Name, err)
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		return fmt.Errorf("no answer came in time: %w", err)
	case errors.As(err, &op) && op.Op == "dial":
		return fmt.Errorf("it cannot be reached: %w", err)
	}
	return err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
