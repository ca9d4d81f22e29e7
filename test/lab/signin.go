package lab

import (
	"context"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// EdgeConfig is edge's answer to get_edge_config.
type EdgeConfig struct {
	XMLName  xml.Name      `xml:"getEdgeConfigResponse"`
	Services []EdgeService `xml:"serviceConfig>service"`
	SIP      []EdgeServer  `xml:"edgeConfig>sipEdgeServer>server"`
	Route    string        `xml:"edgeConfig>sipRequest>route"`
	XMPP     []EdgeServer  `xml:"edgeConfig>xmppEdgeServer>server"`
	HTTP     []EdgeServer  `xml:"edgeConfig>httpEdgeServer>server"`
	TURN     []EdgeServer  `xml:"edgeConfig>turnEdgeServer>server"`
	UDS      []EdgeServer  `xml:"edgeConfig>userUdsServer>server"`
}

// EdgeServer is a server that the client is to use.
type EdgeServer struct {
	Address string `xml:"address"`
	TLSPort int    `xml:"tlsPort"`
	Port    int    `xml:"port"` // of services, and of TURN
	User    string `xml:"username"`
	Secret  string `xml:"password"`
	Life    int    `xml:"ttl"` // of both, in seconds
}

// EdgeService is what a look-up inside would have said.
type EdgeService struct {
	Name      string       `xml:"name"`
	Error     string       `xml:"error"`
	Servers   []EdgeServer `xml:"server"`
	Addresses []string     `xml:"address"`
}

// Service finds what was said of a service name.
func (c *EdgeConfig) Service(name string) EdgeService {
	for _, s := range c.Services {
		if s.Name == name {
			return s
		}
	}
	return EdgeService{}
}

// Basic is the header of a user with a password.
func Basic(user, password string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))}}
}

// LaneURL is where edge answers below the browser's domain.
func (b *Browser) LaneURL(lane string) string {
	return b.base() + "/" + base64.RawStdEncoding.EncodeToString([]byte(b.cfg.Domain)) + "/" + lane
}

// SignIn asks for edge's configuration with a header of credentials, and for
// services by name. config is nil unless the answer is a 200.
func (b *Browser) SignIn(ctx context.Context, credentials http.Header, services ...string) (config *EdgeConfig, page *Page, err error) {
	u := b.LaneURL("get_edge_config") + "?" + url.Values{"service_name": services}.Encode()
	page, err = b.Fetch(ctx, http.MethodGet, u, credentials, nil)
	if err != nil || page.Status != http.StatusOK {
		return nil, page, err
	}
	config = &EdgeConfig{}
	if err := xml.Unmarshal(page.Body, config); err != nil {
		return nil, page, fmt.Errorf("lab: edge configuration: %w", err)
	}
	return config, page, nil
}

// DoAs is Do with a header of credentials, as clients send once they have
// signed in.
func (b *Browser) DoAs(ctx context.Context, credentials http.Header, method, inside string, body io.Reader) (*Page, error) {
	return b.Do(ctx, method, inside, credentials, body)
}
