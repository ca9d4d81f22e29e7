package httpproxy

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sallyport/appliance/uc"
)

// User data services (UDS) of Unified CM: who lives where, and whether the
// credentials are right. Answers are read by local names, and what is not
// needed is passed over.
const (
	udsPort  = 8443
	udsWait  = 10 * time.Second // for one answer
	maxUDS   = 256 << 10        // of an answer
	udsAgent = "sallyport"
)

// udsAnswer is an answer of a node.
type udsAnswer struct {
	status int
	body   []byte
}

// errDown is why nobody could be asked; the client is told no more.
var errDown = errors.New("no node of the cluster answers")

// ask gets one UDS or singleSignOn resource of a node.
func (s *Server) ask(ctx context.Context, host, path, authorization string) (udsAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, udsWait)
	defer cancel()
	u := "https://" + hostPort(host, udsPort) + path
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u, nil)
	if err != nil {
		return udsAnswer{}, err
	}
	req.Header.Set("Accept", "application/xml")
	req.Header.Set("User-Agent", udsAgent)
	if authorization != "" {
		req.Header.Set("Authorization", authorization)
	}
	resp, err := s.proxy.Transport.RoundTrip(req)
	if err != nil {
		if !errors.Is(err, context.Canceled) {
			s.ailing.failed(host)
		}
		return udsAnswer{}, err
	}
	s.ailing.answered(host)
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxUDS+1))
	if err == nil && len(body) > maxUDS {
		err = fmt.Errorf("the answer of %s is larger than %d bytes", host, maxUDS)
	}
	return udsAnswer{resp.StatusCode, body}, err
}

// askAny asks the nodes of a cluster in turn until one knows an answer: what
// fails or is overloaded is passed over.
func (s *Server) askAny(ctx context.Context, nodes []uc.Node, path, authorization string) (a udsAnswer, at uc.Node, err error) {
	var errs []error
	for _, n := range nodes {
		if a, err = s.ask(ctx, n.Host, path, authorization); err == nil && a.status < 500 {
			return a, n, nil
		}
		if err == nil {
			err = fmt.Errorf("%s answers %d", n.Host, a.status)
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return udsAnswer{}, uc.Node{}, fmt.Errorf("%w: %w", errDown, errors.Join(errs...))
}

// clusterUser is what a cluster says about whom it or another one knows.
type clusterUser struct {
	Result struct {
		Found bool   `xml:"found,attr"`
		URI   string `xml:"uri,attr"`
	} `xml:"result"`
	Home string `xml:"homeCluster"`
}

func parseClusterUser(body []byte) (c clusterUser, err error) {
	if err = xml.Unmarshal(body, &c); err != nil {
		return c, fmt.Errorf("clusterUser: %w", err)
	}
	c.Home = strings.TrimSpace(c.Home)
	return c, nil
}

// id is the user's own name, which can differ from what was asked for.
func (c clusterUser) id() string {
	_, rest, ok := strings.Cut(c.Result.URI, "/user/")
	if !ok {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	first, _, _ = strings.Cut(first, "?")
	id, err := url.PathUnescape(first)
	if err != nil {
		return ""
	}
	return id
}

// udsUser is what of a user's record counts for a login.
type udsUser struct {
	Presence []string `xml:"imAndPresence>server"`
	Line     string   `xml:"primaryExtension>directoryNumber"`
}

// udsLines are a user's directory numbers.
type udsLines struct {
	Numbers []string `xml:"extension>directoryNumber"`
}

func parseUser(body []byte) (u udsUser, err error) {
	if err = xml.Unmarshal(body, &u); err != nil {
		return u, fmt.Errorf("user: %w", err)
	}
	u.Line = strings.TrimSpace(u.Line)
	for i, host := range u.Presence {
		u.Presence[i] = strings.TrimSpace(host)
	}
	return u, nil
}

// SignOn is how a cluster lets users sign in.
type SignOn struct{ SSO, Token bool }

// parseSignOn reads a singleSignOn answer: any SingleSignOn element below any
// root.
func parseSignOn(body []byte) (so SignOn, err error) {
	d := xml.NewDecoder(strings.NewReader(string(body)))
	inside, seen := false, false
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return SignOn{}, fmt.Errorf("singleSignOn: %w", err)
		}
		e, ok := t.(xml.StartElement)
		if !ok {
			continue
		}
		switch {
		case e.Name.Local == "SingleSignOn":
			inside, seen = true, true
		case inside && e.Name.Local == "Status":
			so.SSO = enabled(e)
		case inside && e.Name.Local == "Token":
			so.Token = enabled(e)
		}
	}
	if !seen {
		return SignOn{}, errors.New("singleSignOn: the answer says nothing of it")
	}
	return so, nil
}

func enabled(e xml.StartElement) bool {
	for _, a := range e.Attr {
		if a.Name.Local == "enabled" {
			return strings.EqualFold(a.Value, "true")
		}
	}
	return false
}
