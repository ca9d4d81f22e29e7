package lab

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// CUNI is the REST interface of a Unity Connection pair, as far as discovery
// asks it: version and cluster. The account is unity / unity-secret.
type CUNI struct {
	User, Password string

	mu      sync.Mutex // guards all below
	version string
	hosts   []string
}

// NewCUNI makes the interface; the first host is the publisher.
func NewCUNI(version string, hosts ...string) *CUNI {
	return &CUNI{User: "unity", Password: "unity-secret", version: version, hosts: hosts}
}

// SetVersion makes it another version.
func (c *CUNI) SetVersion(v string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.version = v
}

// Join gives a host the paths of the interface.
func (c *CUNI) Join(h *Host) {
	h.Handle("GET /vmrest/version", http.HandlerFunc(c.serveVersion))
	h.Handle("GET /vmrest/cluster", http.HandlerFunc(c.serveCluster))
}

func (c *CUNI) serveVersion(w http.ResponseWriter, _ *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?><VersionInformation><name>vmrest</name><version>%s</version></VersionInformation>`, c.version)
}

func (c *CUNI) serveCluster(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if user, password, _ := r.BasicAuth(); user != c.User || password != c.Password {
		w.Header().Set("WWW-Authenticate", `Basic realm="Cisco Unity Connection"`)
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	var b strings.Builder
	for i, host := range c.hosts {
		fmt.Fprintf(&b, `<VmsServer><URI>/vmrest/vmsservers/%d</URI><ServerName>%s</ServerName><IpAddress>%s</IpAddress><ClusterMemberId>%d</ClusterMemberId>`+
			`<ServerState>1</ServerState><HostName>%s</HostName><ServerDisplayState>%d</ServerDisplayState></VmsServer>`, i, host, host, i, host, 3+min(i, 1))
	}
	w.Header().Set("Content-Type", "application/xml")
	fmt.Fprintf(w, `<VmsServers total="%d">%s</VmsServers>`, len(c.hosts), b.String())
}
