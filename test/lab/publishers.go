package lab

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"maps"
	"net/netip"
)

// The versions that the world's clusters run until a test says otherwise.
const (
	HomeVersion   = "15.0.1.12900(234)"
	RemoteVersion = "14.0.1.12900(161)"
)

// AXLAccount is the account that publishers let ask.
func AXLAccount() (user, password string) { return "axl", "axl-secret" }

// startPublishers makes both clusters and the presence node tell about
// themselves, and opens call control on their nodes.
func (w *World) startPublishers(server, client *tls.Config) error {
	w.HomeAXL = w.publisher(w.Home, HomeVersion).SetRemote(w.Remote.Publisher().Host)
	w.RemoteAXL = w.publisher(w.Remote, RemoteVersion).SetRemote(w.Home.Publisher().Host)
	w.KeysByREST = NewKeyResource(w.Tokens)
	w.Host(w.Home.Publisher().Addr).Handle("GET "+KeyResourcePath, w.KeysByREST)
	w.nodes = map[string]*Registrar{}
	if err := w.startCallControl(w.Home, w.HomeAXL, server, client); err != nil {
		return err
	}
	if err := w.startCallControl(w.Remote, w.RemoteAXL, server, client); err != nil {
		return err
	}
	w.PresenceAXL = NewPresenceAXL(HomeVersion, w.Domain, w.host(30).String())
	w.Host(w.host(30)).Handle("POST /axl/", w.PresenceAXL)
	return nil
}

// publisher is what a cluster's nodes tell: their keys, and that they trust
// the world's authorities.
func (w *World) publisher(c *Cluster, version string) *AXL {
	var hosts []string
	for _, n := range c.Nodes {
		hosts = append(hosts, n.Host)
	}
	a := NewAXL(version, hosts...)
	a.SetParam("OrganizationTopLevelDomain", w.Domain).SetTable("certificate", trustRows(w.CA)...)
	if c == w.Home {
		a.SetTable("authzkeys", w.Tokens.row()).SetParam("OAuthRefreshLoginFlow", "1")
	}
	for _, n := range c.Nodes {
		w.Host(n.Addr).Handle("POST /axl/", a)
	}
	return a
}

// row is the issuer's pair as a publisher keeps it.
func (t *TokenIssuer) row() AXLRow {
	return KeyRow(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: t.Public()}), t.Sealing(), t.SigningID, t.SealingID)
}

// trustRows puts authorities into both trust stores.
func trustRows(bundle []byte) (rows []AXLRow) {
	for block, rest := pem.Decode(bundle); block != nil; block, rest = pem.Decode(rest) {
		if _, err := x509.ParseCertificate(block.Bytes); err != nil {
			continue
		}
		for _, store := range []string{"CallManager-trust", "tomcat-trust"} {
			rows = append(rows, AXLRow{{"certificate", string(pem.EncodeToMemory(block))}, {"name", store}})
		}
	}
	return rows
}

// CallControl is the registrar on a node of a cluster, by its host.
func (w *World) CallControl(host string) *Registrar { return w.nodes[host] }

// Received lists the SIP messages that came to any call control of the world.
func (w *World) Received() []Capture {
	all := w.Registrar.Received()
	for _, r := range w.nodes {
		all = append(all, r.Received()...)
	}
	return all
}

// startCallControl opens a registrar on each node of a cluster.
func (w *World) startCallControl(c *Cluster, a *AXL, server, client *tls.Config) error {
	accounts := map[string]string{}
	for _, u := range c.Users {
		accounts[u.Name] = u.Password
	}
	nodes := a.Nodes()
	for i, n := range c.Nodes {
		at := func(port uint16) netip.AddrPort { return netip.AddrPortFrom(n.Addr, w.port(port)) }
		cfg := RegistrarConfig{Domain: w.Domain, Accounts: accounts, UDP: at(5060), TCP: at(5060), TLS: at(5061),
			ServerTLS: server, ClientTLS: client, Path: w.cfg.Path, Log: w.cfg.Log}
		cfg.Open = w.openDoor(cfg)
		r := NewRegistrar(cfg)
		w.nodes[n.Host] = r
		if err := r.Start(); err != nil {
			return err
		}
		nodes[i].SIP = [3]int{int(r.Addr("TCP").Port()), int(r.Addr("TLS").Port()), 0}
	}
	a.SetNodes(nodes...)
	return nil
}

// openDoor tells whether the world's registrars take whoever comes from core.
func (w *World) openDoor(like RegistrarConfig) bool {
	like.Accounts = maps.Clone(like.Accounts)
	if w.cfg.Registrar != nil {
		w.cfg.Registrar(&like)
	}
	return like.Open
}
