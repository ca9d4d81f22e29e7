package appliance

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/shell"
	"sallyport/appliance/trust"
	"sallyport/appliance/xapi"
)

// The node takes updates from the shell's input, and tells how far it is.
var _ shell.Receiver = (*Node)(nil)

// systemUpgrade installs an update for who does not watch.
func systemUpgrade(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	return n.Receive(ctx, xapi.SystemUpgrade, args, who, nil, io.Discard)
}

// Receive runs SystemUpgrade: from a URL, from a file of the sftp folder, or
// from the session's input, nil if there is none. out gets the progress.
func (n *Node) Receive(ctx context.Context, cmd *xapi.Command, args xapi.Args, who config.Who, in io.Reader, out io.Writer) (*xapi.Node, error) {
	if cmd != xapi.SystemUpgrade {
		return nil, fmt.Errorf("%s takes no input", cmd.Name)
	}
	if n.cfg.Host == nil {
		return nil, errNoHost
	}
	file, link := one(args, "File"), one(args, "URL")
	switch {
	case file != "" && link != "":
		return nil, errors.New("name a File or a URL, not both")
	case link != "":
		body, err := n.fetchUpdate(ctx, link)
		if err != nil {
			return nil, err
		}
		defer body.Close()
		return n.upgrade(ctx, body, out, who)
	case file != "":
		f, err := n.openFile(file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return n.upgrade(ctx, f, out, who)
	case in == nil:
		return nil, errors.New("name a File of the sftp folder or a URL, or send the update as the input of: ssh admin@box xCommand SystemUpgrade")
	}
	return n.upgrade(ctx, in, out, who)
}

func (n *Node) openFile(name string) (*os.File, error) {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	f, err := os.Open(filepath.Join(n.Folder(), name))
	if err != nil {
		return nil, fmt.Errorf("%s is not in the sftp folder", name)
	}
	return f, nil
}

func (n *Node) upgrade(ctx context.Context, in io.Reader, out io.Writer, who config.Who) (*xapi.Node, error) {
	told := int64(-1)
	version, err := n.cfg.Host.Upgrade(ctx, in, func(done, all int64) {
		if tenth := done * 10 / max(all, 1); tenth > told {
			told = tenth
			fmt.Fprintf(out, "%3d %%\n", tenth*10)
		}
	})
	if err != nil {
		n.log.Warn("update refused", "event", "upgrade", "err", err, "who", who.User, "from", who.From)
		return nil, err
	}
	n.log.Info("update installed", "event", "upgrade", "version", version, "who", who.User, "from", who.From)
	r := xapi.NewNode("Result")
	r.Str("Version", version)
	return r.Str("Next", "xCommand Boot starts it; if it does not become healthy in three starts, this version comes back"), nil
}

// How patient a download is, and how far it is sent from place to place.
const (
	fetchAnswer    = 30 * time.Second
	fetchStall     = time.Minute
	fetchRedirects = 5
)

// fetchUpdate begins a download over HTTPS, from a server that one of the
// node's authorities vouches for. What it sends is judged by its signature.
func (n *Node) fetchUpdate(ctx context.Context, link string) (io.ReadCloser, error) {
	u, err := url.Parse(link)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("the URL must begin with https:// and name a server")
	}
	ctx, stop := context.WithCancel(ctx)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		stop()
		return nil, err
	}
	transport := &http.Transport{DialTLSContext: n.dialUpdate, ResponseHeaderTimeout: fetchAnswer, DisableCompression: true, DisableKeepAlives: true}
	client := http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if r.URL.Scheme != "https" || len(via) > fetchRedirects {
			return errors.New("the server sends us on to where we do not go")
		}
		return nil
	}}
	answer, err := client.Do(request)
	if err != nil {
		stop()
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		stop()
		answer.Body.Close()
		return nil, fmt.Errorf("%s answers %s", u.Host, answer.Status)
	}
	return &impatient{body: answer.Body, stop: stop, timer: time.AfterFunc(fetchStall, stop)}, nil
}

func (n *Node) dialUpdate(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: fetchAnswer, Resolver: n.names}
	c, err := d.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	t := tls.Client(c, n.trust.ClientConfig(trust.HTTPSUpstream, host))
	if err := t.HandshakeContext(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return t, nil
}

// impatient is a download that ends when nothing comes for too long.
type impatient struct {
	body  io.ReadCloser
	stop  context.CancelFunc
	timer *time.Timer
}

func (i *impatient) Read(b []byte) (int, error) {
	n, err := i.body.Read(b)
	if n > 0 {
		i.timer.Reset(fetchStall)
	}
	return n, err
}

func (i *impatient) Close() error {
	i.timer.Stop()
	i.stop()
	return i.body.Close()
}
