package pair

import (
	"net/netip"

	"sallyport/test/lab"
)

// Phone makes an outside softphone of a user of the world, which trusts the
// lab's authority and connects to edge over TLS. It is not started; whoever
// asked for it closes it.
func (p *Pair) Phone(user string, tone float64, change ...func(*lab.PhoneConfig)) (*lab.Phone, error) {
	p.phones++
	cfg := lab.PhoneConfig{
		User: user, Password: lab.Users()[user], Domain: Domain,
		Server: netip.AddrPortFrom(p.Outer, 5061), ServerName: EdgeName, CA: p.CA,
		Local:    p.Client(p.phones),
		Outbound: true, Keepalive: lab.CRLFKeepalive, Suites: lab.AllSuites(), Tone: tone, AutoAnswer: true, Refresh: true,
	}
	if p.cfg.Listen.IsValid() {
		cfg.Local = p.cfg.Listen // another machine's network: loopback does not reach it
	}
	for _, f := range change {
		f(&cfg)
	}
	return lab.NewPhone(cfg)
}

// Browser makes a client of edge's HTTPS gate.
func (p *Pair) Browser(change ...func(*lab.BrowserConfig)) (*lab.Browser, error) {
	cfg := lab.BrowserConfig{
		Edge: netip.AddrPortFrom(p.Outer, 8443), ServerName: EdgeName, Domain: Domain, CA: p.CA,
	}
	for _, f := range change {
		f(&cfg)
	}
	return lab.NewBrowser(cfg)
}

// PageURL is the outside form of a page of the inside web server.
func (p *Pair) PageURL(path string) string {
	b, err := p.Browser()
	if err != nil {
		return ""
	}
	defer b.Close()
	url, err := b.EdgeURL(p.World.Web.URL("http", path))
	if err != nil {
		return ""
	}
	return url
}
