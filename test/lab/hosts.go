package lab

import (
	"crypto/tls"
	"net/netip"
)

// ClusterAddrs are the addresses of all servers of both clusters, for whoever
// issues the world's certificate.
func ClusterAddrs(net netip.Addr) (all []netip.Addr) {
	home, remote := Clusters(net, "")
	for _, c := range []*Cluster{home, remote} {
		for _, n := range c.Nodes {
			all = append(all, n.Addr)
		}
		if c.Voicemail.IsValid() {
			all = append(all, c.Voicemail, c.Voicemail.Next())
		}
	}
	return all
}

// startHosts opens the servers of both clusters: 8443 everywhere. What they
// answer is up to the stubs that Handle their paths.
func (w *World) startHosts(server *tls.Config) error {
	w.Home, w.Remote = Clusters(w.cfg.Net, w.Domain)
	w.hosts = map[netip.Addr]*Host{}
	server = server.Clone()
	server.ClientAuth = tls.RequestClientCert // who minds whose it is looks at it
	for _, a := range append(ClusterAddrs(w.cfg.Net), w.host(30)) {
		h := NewHost(a, server)
		w.hosts[a] = h
		if _, err := h.Listen(true, w.port(8443)); err != nil {
			return err
		}
	}
	return nil
}

// Host is the server at an address of a cluster, of its voicemail pair or of
// the presence node.
func (w *World) Host(a netip.Addr) *Host { return w.hosts[a] }

// Asked lists the requests that came to any server of the clusters, voicemail
// and presence, but for what core itself asks publishers by AXL.
func (w *World) Asked() (all []string) {
	for _, h := range w.hosts {
		for _, line := range h.Seen() {
			if line != "POST /axl/" {
				all = append(all, h.Addr.String()+" "+line)
			}
		}
	}
	return all
}

// startServices gives the clusters what clients ask them for.
func (w *World) startServices() (err error) {
	w.UDS = newUDS(w, w.Home, w.Remote)
	w.UDS.Set(func(o *UDSOptions) { o.Bearer = w.Tokens.Owner })
	w.SSOSP = newSSOSP(w, w.Home)
	if w.Files, err = newFiles(w, w.Home, w.Remote); err != nil {
		return err
	}
	w.Activation = newActivation(w, w.Home)
	w.Voicemail, err = newVoicemail(w, w.Home)
	return err
}
