package lab

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// UDS is the user data services of a world's clusters, on every node of them.
// The zero values of its switches are what real servers were seen to send.
type UDS struct {
	clusters []*Cluster

	mu   sync.Mutex // guards all below
	opts UDSOptions
	seen []UDSRequest
}

// UDSOptions are what can be otherwise on some servers.
type UDSOptions struct {
	Alone    bool                                        // clusters do not know each other's users (no ILS)
	Foreign  int                                         // status of a user's record away from home; 0: 404, 200: homeCluster=false
	Bare     bool                                        // servers and homeCluster give other names than their nodes have
	NoGroup  bool                                        // users may not use these services: 403
	SignOn   func() (sso, token bool)                    // what singleSignOn says; nil: neither
	Bearer   func(token string) (user string, live bool) // judges access tokens; nil: none is good
	Password map[string]string                           // changed passwords, by user
}

// UDSRequest is one request as a node saw it.
type UDSRequest struct {
	Host, Method, Path, RawQuery, User string
	Status                             int
}

// maxSeen bounds what a stub remembers.
const maxSeen = 10_000

func newUDS(w *World, clusters ...*Cluster) *UDS {
	u := &UDS{clusters: clusters}
	for _, c := range clusters {
		for _, n := range c.Nodes {
			w.Host(n.Addr).Handle("/cucm-uds/", u.node(c, n))
			w.Host(n.Addr).Handle("/ssosp/ws/public/singleSignOn", http.HandlerFunc(u.signOn))
		}
	}
	return u
}

// Set changes how the services behave.
func (u *UDS) Set(change func(*UDSOptions)) {
	u.mu.Lock()
	defer u.mu.Unlock()
	change(&u.opts)
}

func (u *UDS) options() UDSOptions {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.opts
}

// Seen lists the requests that came, oldest first.
func (u *UDS) Seen() []UDSRequest {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.seen)
}

func (u *UDS) node(c *Cluster, n ClusterNode) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &udsVisit{u: u, c: c, n: n, opts: u.options(), w: w, r: r, status: http.StatusOK}
		v.user, v.auth = v.who()
		v.serve(strings.TrimPrefix(r.URL.Path, "/cucm-uds/"))
		u.mu.Lock()
		defer u.mu.Unlock()
		if len(u.seen) < maxSeen {
			u.seen = append(u.seen, UDSRequest{n.Host, r.Method, r.URL.Path, r.URL.RawQuery, v.user, v.status})
		}
	})
}

func (u *UDS) signOn(w http.ResponseWriter, _ *http.Request) {
	var sso, token bool
	if f := u.options().SignOn; f != nil {
		sso, token = f()
	}
	w.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(w, `<SSOResult version="1.0"><Response><SingleSignOn version="1.0"><Status enabled="%t"/><Token enabled="%t"/></SingleSignOn></Response></SSOResult>`, sso, token)
}

// udsVisit is one request at a node.
type udsVisit struct {
	u    *UDS
	c    *Cluster
	n    ClusterNode
	opts UDSOptions
	w    http.ResponseWriter
	r    *http.Request

	user   string // who the credentials say
	auth   bool   // and whether they are right
	status int
}

func (v *udsVisit) who() (user string, right bool) {
	if user, password, ok := v.r.BasicAuth(); ok {
		u, known := v.c.User(user)
		want := u.Password
		if changed, ok := v.opts.Password[user]; ok {
			want = changed
		}
		return user, known && password == want
	}
	token, ok := strings.CutPrefix(v.r.Header.Get("Authorization"), "Bearer ")
	if !ok || v.opts.Bearer == nil {
		return "", false
	}
	user, live := v.opts.Bearer(token)
	if live {
		v.w.Header().Add("Set-Cookie", "JSESSIONIDSSO="+randomHex(16)+"; Path=/; Secure; HttpOnly")
	}
	return user, live
}

func (v *udsVisit) serve(path string) {
	parts := strings.Split(strings.TrimSuffix(path, "/"), "/")
	if parts[0] == "user" && len(parts) > 1 {
		v.record(parts[1], parts[2:])
		return
	}
	if v.r.Method != http.MethodGet && path != "private/users" {
		v.fail(http.StatusMethodNotAllowed)
		return
	}
	switch path {
	case "version":
		v.answer("versionInformation", path, "<version>15.0.1</version><capabilities><usersResourceAuthEnabled>false</usersResourceAuthEnabled></capabilities>")
	case "servers":
		v.answer("servers", path, v.servers())
	case "clusterUser":
		v.clusterUser()
	case "users":
		v.users()
	case "private/users":
		v.answer("users", path, "")
	case "options":
		v.answer("options", path, "")
	default:
		v.fail(http.StatusNotFound)
	}
}

func (v *udsVisit) answer(root, path, inner string) {
	v.w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
	v.w.WriteHeader(v.status)
	fmt.Fprintf(v.w, `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`+"\n"+`<%s uri="%s" version="15.0.1">%s</%s>`, root, v.uri(path), inner, root)
}

func (v *udsVisit) uri(path string) string {
	return "https://" + v.n.Host + ":8443/cucm-uds/" + text(path)
}

func (v *udsVisit) fail(status int) {
	v.status = status
	if status == http.StatusUnauthorized {
		v.w.Header().Set("WWW-Authenticate", `Basic realm="Cisco Web Services Realm"`)
	}
	v.w.Header().Set("Content-Type", "application/xml;charset=UTF-8")
	v.w.WriteHeader(status)
	fmt.Fprintf(v.w, "<errors><error><code>%d</code><message>%s</message></error></errors>", status, http.StatusText(status))
}

func text(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

// name is what a node calls another one.
func (v *udsVisit) name(n ClusterNode) string {
	if v.opts.Bare {
		return "node-" + strings.ReplaceAll(n.Host, ".", "-")
	}
	return n.Host
}

func (v *udsVisit) servers() (out string) {
	for _, n := range v.c.Nodes {
		out += "<server>" + text(v.name(n)) + "</server>"
	}
	return out
}

// clusterUser looks in the own cluster first, then in those known by ILS.
func (v *udsVisit) clusterUser() {
	q := v.r.URL.Query()
	asked := q.Get("username")
	if asked == "" {
		asked, _ = strings.CutSuffix(q.Get("email"), "@"+v.c.Domain)
	}
	if asked == "" {
		v.fail(http.StatusBadRequest)
		return
	}
	known := []*Cluster{v.c}
	if !v.opts.Alone {
		known = append(known, v.u.clusters...)
	}
	for _, c := range known {
		if _, ok := c.User(asked); ok {
			home := v.name(c.Publisher())
			v.answer("clusterUser", "clusterUser?"+v.r.URL.RawQuery, fmt.Sprintf(
				`<result found="true" uri="%s" version="15.0.1"/><homeCluster serversUri="https://%s:8443/cucm-uds/servers">%s</homeCluster>`,
				v.uri("user/"+url.PathEscape(asked)), home, home))
			return
		}
	}
	v.answer("clusterUser", "clusterUser?"+v.r.URL.RawQuery, `<result found="false"/>`)
}

func (v *udsVisit) users() {
	asked := v.r.URL.Query().Get("username")
	inner := ""
	for _, u := range v.c.Users {
		if asked == "" || u.Name == asked {
			inner += fmt.Sprintf(`<user uri="%s"><userName>%s</userName><phoneNumber>%s</phoneNumber></user>`, v.uri("user/"+u.Name), u.Name, u.Number)
		}
	}
	v.answer("users", "users", inner)
}

// record is what lies below user/: everybody's own only.
func (v *udsVisit) record(name string, below []string) {
	owner, here := v.c.User(name)
	switch {
	case !v.auth || v.user != name:
		v.fail(http.StatusUnauthorized)
	case v.opts.NoGroup:
		v.fail(http.StatusForbidden)
	case !here && v.opts.Foreign == http.StatusOK:
		v.answer("user", "user/"+name, "<userName>"+text(name)+"</userName><homeCluster>false</homeCluster>")
	case !here && v.opts.Foreign != 0:
		v.fail(v.opts.Foreign)
	case !here:
		v.fail(http.StatusNotFound)
	case len(below) == 0:
		v.answer("user", "user/"+name, v.profile(owner))
	case below[0] == "devices":
		v.answer("devices", "user/"+name+"/devices", v.devices(owner))
	case below[0] == "extensions":
		v.answer("extensions", "user/"+name+"/extensions", "<extension isPrimary=\"true\"><directoryNumber>"+owner.Number+"</directoryNumber></extension>")
	case below[0] == "speedDials" || below[0] == "remoteDestinations":
		v.change(below[0], name)
	default:
		v.fail(http.StatusNotFound)
	}
}

// change answers the methods that alter a record.
func (v *udsVisit) change(what, name string) {
	switch v.r.Method {
	case http.MethodPost:
		v.status = http.StatusCreated
	case http.MethodDelete:
		v.status = http.StatusNoContent
		v.w.WriteHeader(v.status)
		return
	}
	v.answer(what, "user/"+name+"/"+what, "")
}

func (v *udsVisit) profile(u ClusterUser) string {
	kind := `<accountType useLdapAuth="false">local</accountType>`
	if u.Directory {
		kind = `<accountType useLdapAuth="true">ldap</accountType>`
	}
	presence := ""
	for _, host := range u.Presence {
		presence += "<server>" + text(host) + "</server>"
	}
	return fmt.Sprintf(`<userName>%s</userName>%s<homeCluster enableImAndPresence="%t">true</homeCluster><imAndPresence>%s</imAndPresence>`+
		`<primaryExtension><directoryNumber>%s</directoryNumber></primaryExtension><devices uri="%s"/>`+
		`<serviceProfile><uri>http://%s:6970/SPDefault.cnf.xml</uri></serviceProfile>`,
		u.Name, kind, len(u.Presence) > 0, presence, u.Number, v.uri("user/"+u.Name+"/devices"), v.n.Host)
}

func (v *udsVisit) devices(u ClusterUser) (out string) {
	for _, d := range u.Devices {
		out += fmt.Sprintf(`<device uri="%s"><name>%s</name><type>Phone</type><model>Cisco Unified Client Services Framework</model><protocol>SIP</protocol>`+
			`<provision><uri>http://%s:6970/%s.cnf.xml</uri></provision></device>`, v.uri("user/"+u.Name+"/device/"+d), d, v.n.Host, d)
	}
	return out
}
