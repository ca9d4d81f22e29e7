package lab

import (
	"fmt"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
)

// Ports of configuration files over HTTP; 6972 is the secure one.
const (
	filePort       = 6970
	secureFilePort = 6972
)

// Files are the configuration files of a world's clusters, served by every node
// under their bare names, as TFTP would.
type Files struct {
	mu   sync.Mutex // guards all below
	more map[string][]byte
	seen []string // "address/name", as they were asked for
}

func newFiles(w *World, clusters ...*Cluster) (*Files, error) {
	f := &Files{more: map[string][]byte{}}
	for _, c := range clusters {
		for _, n := range c.Nodes {
			h := w.Host(n.Addr)
			plain, err := h.Listen(false, w.port(filePort))
			if err != nil {
				return nil, err
			}
			secure, err := h.Listen(true, w.port(secureFilePort))
			if err != nil {
				return nil, err
			}
			ports := []uint16{plain[0].Port(), secure[0].Port()}
			h.Handle("/", f.node(c, n, ports))
		}
	}
	return f, nil
}

// Put adds a file to all nodes.
func (f *Files) Put(name string, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.more[name] = body
}

// Seen lists what was asked for, as "node/name".
func (f *Files) Seen() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

func (f *Files) node(c *Cluster, n ClusterNode, ports []uint16) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if local == nil || !slices.Contains(ports, addrPort(local).Port()) {
			http.NotFound(w, r)
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			http.Error(w, "files are read only", http.StatusMethodNotAllowed)
			return
		}
		name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
		body, ok := f.find(c, n, name)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/xml")
		w.Write(body)
	})
}

func (f *Files) find(c *Cluster, n ClusterNode, name string) ([]byte, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.seen) < maxSeen {
		f.seen = append(f.seen, n.Host+"/"+name)
	}
	if body, ok := f.more[name]; ok {
		return body, true
	}
	switch name {
	case "SPDefault.cnf.xml":
		return []byte(serviceProfile(c)), true
	case "jabber-config.xml":
		return []byte(`<?xml version="1.0" encoding="utf-8"?><config version="1.0"><Policies/></config>`), true
	case "ConfigFileCacheList.txt":
		return []byte("SPDefault.cnf.xml\njabber-config.xml\n"), true
	}
	for _, u := range c.Users {
		for _, d := range u.Devices {
			if name == d+".cnf.xml" {
				return []byte(deviceFile(c, u)), true
			}
		}
	}
	return nil, false
}

func serviceProfile(c *Cluster) string {
	voicemail := ""
	if c.Voicemail.IsValid() {
		voicemail = "<Voicemail><Primary><Address>" + c.Voicemail.String() + "</Address><Port>443</Port><Protocol>HTTPS</Protocol></Primary></Voicemail>"
	}
	return "<UCServiceProfile>" + voicemail + "<Directory><UseUDS>true</UseUDS></Directory></UCServiceProfile>"
}

func deviceFile(c *Cluster, u ClusterUser) string {
	var members strings.Builder
	for i, n := range c.Nodes {
		fmt.Fprintf(&members, `<member priority="%d"><callManager><name>%s</name><ports><sipPort>5060</sipPort><securedSipPort>5061</securedSipPort></ports>`+
			`<processNodeName>%s</processNodeName></callManager></member>`, i, n.Host, n.Host)
	}
	return `<device><deviceProtocol>SIP</deviceProtocol><devicePool><callManagerGroup><members>` + members.String() +
		`</members></callManagerGroup></devicePool><sipProfile><sipLines><line button="1"><name>` + u.Number + `</name><authName>` + u.Name +
		`</authName></line></sipLines></sipProfile><deviceSecurityMode>1</deviceSecurityMode></device>`
}
