package lab

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// BrowserConfig describes a client of edge's HTTPS side.
type BrowserConfig struct {
	Edge       netip.AddrPort
	ServerName string // checked in edge's certificate, and sent as Host
	Domain     string // the domain in the encoded prefix
	CA         []byte
	Local      netip.Addr

	Cert, Key []byte // of the client, shown to a server that asks; none if empty
}

// Browser fetches inside pages through edge's encoded paths. It keeps cookies
// as a browser does and does not follow redirects by itself.
type Browser struct {
	Activation ActivationForm // that codes are redeemed in

	cfg    BrowserConfig
	tls    *tls.Config
	client *http.Client
}

// Page is one fetched answer.
type Page struct {
	Status int
	Header http.Header
	Body   []byte
}

const maxPage = maxBig + 1

// NewBrowser returns a browser with an empty cookie jar.
func NewBrowser(cfg BrowserConfig) (*Browser, error) {
	conf, err := ClientTLS(cfg.CA, cfg.ServerName, nil)
	if err != nil {
		return nil, err
	}
	if cfg.Cert != nil {
		own, err := tls.X509KeyPair(cfg.Cert, cfg.Key)
		if err != nil {
			return nil, fmt.Errorf("lab: browser: %w", err)
		}
		conf.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			return &own, nil // whatever authorities the server names, as phones do
		}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	b := &Browser{cfg: cfg, tls: conf}
	b.client = &http.Client{Jar: jar, Timeout: time.Minute,
		Transport:     &http.Transport{TLSClientConfig: conf, DialContext: b.dial, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return b, nil
}

// dial goes to edge whatever the URL says.
func (b *Browser) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	d := net.Dialer{Timeout: 5 * time.Second}
	if b.cfg.Local.IsValid() {
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(b.cfg.Local, 0))
	}
	return d.DialContext(ctx, "tcp", b.cfg.Edge.String())
}

// Prefix is edge's encoded form of an inside server: unpadded base64 of
// domain/protocol/host/port.
func (b *Browser) Prefix(protocol, host string, port int) string {
	return "/" + base64.RawStdEncoding.EncodeToString(fmt.Appendf(nil, "%s/%s/%s/%d", b.cfg.Domain, protocol, host, port))
}

// EdgeURL is the outside form of an inside URL.
func (b *Browser) EdgeURL(inside string) (string, error) {
	u, err := url.Parse(inside)
	if err != nil {
		return "", err
	}
	port := portOf(u.Host)
	if port == 0 {
		port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	}
	out := b.base() + b.Prefix(u.Scheme, u.Hostname(), port) + u.EscapedPath()
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	return out, nil
}

func (b *Browser) base() string {
	return fmt.Sprintf("https://%s:%d", b.cfg.ServerName, b.cfg.Edge.Port())
}

// Get fetches an inside URL through edge.
func (b *Browser) Get(ctx context.Context, inside string) (*Page, error) {
	return b.Do(ctx, http.MethodGet, inside, nil, nil)
}

// Do sends a request for an inside URL through edge.
func (b *Browser) Do(ctx context.Context, method, inside string, header http.Header, body io.Reader) (*Page, error) {
	outside, err := b.EdgeURL(inside)
	if err != nil {
		return nil, err
	}
	return b.Fetch(ctx, method, outside, header, body)
}

// Fetch sends a request for a URL on edge itself.
func (b *Browser) Fetch(ctx context.Context, method, outside string, header http.Header, body io.Reader) (*Page, error) {
	if strings.HasPrefix(outside, "/") {
		outside = b.base() + outside
	}
	req, err := http.NewRequestWithContext(ctx, method, outside, body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	return b.finish(b.client.Do(req))
}

func (b *Browser) finish(resp *http.Response, err error) (*Page, error) {
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
	return &Page{resp.StatusCode, resp.Header, data}, err
}

// Raw sends bytes over a TLS connection of its own and reads one answer; it is
// for paths and framing that no client library would send.
func (b *Browser) Raw(ctx context.Context, request []byte) (*Page, error) {
	c, err := b.dial(ctx, "", "")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	conf := b.tls.Clone()
	conf.NextProtos = []string{"http/1.1"}
	tc := tls.Client(c, conf)
	if deadline, ok := ctx.Deadline(); ok {
		tc.SetDeadline(deadline)
	}
	if _, err := tc.Write(request); err != nil {
		return nil, err
	}
	return b.finish(http.ReadResponse(bufio.NewReader(tc), nil))
}

// Close lets go of idle connections.
func (b *Browser) Close() { b.client.CloseIdleConnections() }
