package httpproxy

import (
	"context"
	"encoding/xml"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/uc"
)

// edgeConfig signs a client in and tells it where everything is.
func (s *Server) edgeConfig(w http.ResponseWriter, r *http.Request, v Visitor) {
	l := s.live.Load()
	in, cookie, no := s.enter(r.Context(), l, r, v)
	if no != nil {
		s.refuseLogin(w, r, v, no)
		return
	}
	answer := s.configFor(r.Context(), l, v, in, r.URL.Query()["service_name"])
	setCookie(w.Header(), v.Face, l.Login, cookie, in.Begun.Add(l.Login.Life))
	s.cfg.Log.Info("edge login", "event", "login", "user", in.User, "domain", v.Domain, "deployment", l.Names[Key(v.Deployment)],
		"home", in.Home, "client", v.Source, "trace", v.Trace)
	writeXML(w, answer)
}

// enter makes a login of a request, or finds the one that it continues: a
// client that asks again with its cookie need not be checked anew before half
// of the login's life is over.
func (s *Server) enter(ctx context.Context, l *live, r *http.Request, v Visitor) (in *login, cookie string, no *refusal) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, "", &refusal{http.StatusMethodNotAllowed, "Method is not allowed", "service", 0}
	}
	c, ok := credentialsOf(r)
	if !ok {
		return nil, "", &refusal{http.StatusUnauthorized, "Sign in first", "login: no credentials", 0}
	}
	if in, cookie = s.goesOn(ctx, l, r, v, c); in != nil {
		return in, cookie, nil
	}
	if in, no = s.signIn(ctx, l, v, c); no != nil {
		return nil, "", no
	}
	cookie, err := s.sessions.begin(in.record, c.password, v.Face.Core, l.Login.Life)
	if err != nil {
		return nil, "", &refusal{http.StatusServiceUnavailable, "Too many logins", "limits: " + err.Error(), 0}
	}
	for _, old := range cookiesOf(r) { // replaced
		if before, ok := s.sessions.find(old, l.Login.Life); ok && before.owner() == in.owner() {
			s.sessions.end(before, old)
		}
	}
	s.tell(l, in.record, cookie, c)
	return in, cookie, nil
}

// tell hands a login to whoever needs what only it has, once.
func (s *Server) tell(l *live, in record, cookie string, c credentials) {
	if s.cfg.Auth.OnLogin != nil && s.sessions.tell(in, cookie) {
		s.cfg.Auth.OnLogin(Signed{Session: in.Session, Ends: in.Begun.Add(l.Login.Life), Password: c.password, Token: c.token})
	}
}

// goesOn finds the young login that a request continues.
func (s *Server) goesOn(ctx context.Context, l *live, r *http.Request, v Visitor, c credentials) (*login, string) {
	for _, cookie := range cookiesOf(r) {
		before, ok := s.sessions.find(cookie, l.Login.Life)
		if !ok || before.Deployment != v.Deployment || s.clock().Sub(before.Begun) > l.Login.Life/2 || !s.proves(ctx, before, cookie, c) {
			continue
		}
		nodes := ownerOfHost(s.clusters(l.Topology, v.Deployment), before.Home)
		if nodes == nil {
			continue // the cluster has gone
		}
		s.tell(l, before, cookie, c)
		return &login{record: before, credentials: c, nodes: nodes}, cookie
	}
	return nil, ""
}

func (s *Server) refuseLogin(w http.ResponseWriter, r *http.Request, v Visitor, no *refusal) {
	s.countRefused(no.status)
	user := ""
	if c, ok := credentialsOf(r); ok {
		user = c.user
	}
	if s.writesDown(v.Source) {
		s.cfg.Log.Info("edge login refused", "event", "denied", "status", no.status, "why", no.why, "rule", no.rule,
			"user", user, "domain", v.Domain, "client", v.Source, "trace", v.Trace)
	}
	no.answer(w)
	s.tap.answer(v.Trace, user, "edge", true, no.status, w.Header())
}

// The answer, as its readers know it.
type (
	configAnswer struct {
		XMLName  xml.Name    `xml:"getEdgeConfigResponse"`
		Version  string      `xml:"version,attr"`
		Services []service   `xml:"serviceConfig>service"`
		SIP      edgeServer  `xml:"edgeConfig>sipEdgeServer"`
		Route    string      `xml:"edgeConfig>sipRequest>route"`
		XMPP     edgeServer  `xml:"edgeConfig>xmppEdgeServer"`
		HTTP     edgeServer  `xml:"edgeConfig>httpEdgeServer"`
		TURN     edgeServer  `xml:"edgeConfig>turnEdgeServer"`
		UDS      edgeServers `xml:"edgeConfig>userUdsServer"`
	}
	service struct {
		Name      string      `xml:"name"`
		Error     string      `xml:"error,omitempty"`
		Servers   []srvServer `xml:"server"`
		Addresses []string    `xml:"address"`
	}
	srvServer struct {
		Priority int    `xml:"priority"`
		Weight   int    `xml:"weight"`
		Port     int    `xml:"port"`
		Address  string `xml:"address"`
	}
	edgeServer struct {
		Server *tlsServer `xml:"server"`
	}
	edgeServers struct {
		Servers []tlsServer `xml:"server"`
	}
	tlsServer struct {
		Address string `xml:"address"`
		Port    int    `xml:"tlsPort"`
	}
)

func atEdge(host string, port int) edgeServer {
	if port == 0 {
		return edgeServer{}
	}
	return edgeServer{&tlsServer{host, port}}
}

func (s *Server) configFor(ctx context.Context, l *live, v Visitor, in *login, wanted []string) configAnswer {
	f := v.Face
	a := configAnswer{
		Version: "1.0", Route: f.Route,
		SIP: atEdge(f.Host, f.SIP), XMPP: atEdge(f.Host, f.XMPP), HTTP: atEdge(f.Host, f.HTTPS),
	}
	in.nodes = s.ailing.answering(in.nodes)
	for _, n := range in.nodes {
		a.UDS.Servers = append(a.UDS.Servers, tlsServer{n.Host, udsPort})
	}
	ctx, cancel := context.WithTimeout(ctx, lookUpWait)
	defer cancel()
	for _, name := range wanted[:min(len(wanted), maxServices)] {
		a.Services = append(a.Services, s.service(ctx, l, v, in, name))
	}
	return a
}

// maxServices bounds one question.
const maxServices = 16

// What files are served by, without TLS.
const tftpPort = 6970

// service answers for one service name as a look-up inside would: from what is
// known of the nodes, else by inside DNS, of which only nodes of the user's
// deployment are told.
func (s *Server) service(ctx context.Context, l *live, v Visitor, in *login, name string) service {
	out := service{Name: printableName(name)}
	serving := func(kind uc.NodeType, port int) {
		for _, n := range s.ailing.answering(ofType(l.Topology, v.Deployment, kind)) {
			out.Servers = append(out.Servers, srvServer{1, 1, port, n.Host})
		}
	}
	switch name {
	case "tftpServer":
		for _, n := range s.fileServers(l, v.Deployment, in) {
			out.Addresses = append(out.Addresses, n.Host)
		}
		return out
	case "_cisco-uds":
		for _, n := range in.nodes {
			out.Servers = append(out.Servers, srvServer{1, 1, udsPort, n.Host})
		}
	case "_cuplogin":
		serving(uc.IMPresence, udsPort)
	case "_cisco-phone-tftp":
		for _, n := range s.fileServers(l, v.Deployment, in) {
			out.Servers = append(out.Servers, srvServer{1, 1, tftpPort, n.Host})
		}
	default:
		out.Servers = s.lookUp(ctx, l, v, name)
	}
	if len(out.Servers) == 0 {
		out.Error = "NameError"
	}
	return out
}

// fileServers are those of the home cluster, else of the deployment.
func (s *Server) fileServers(l *live, deployment int, in *login) []uc.Node {
	files := s.ailing.answering(ofType(l.Topology, deployment, uc.TFTP))
	own := slices.DeleteFunc(slices.Clone(files), func(n uc.Node) bool {
		return !slices.ContainsFunc(in.nodes, func(h uc.Node) bool { return h.Host == n.Host })
	})
	if len(own) > 0 {
		return own
	}
	return files
}

// lookUp asks inside DNS for a service of the domain.
func (s *Server) lookUp(ctx context.Context, l *live, v Visitor, name string) (out []srvServer) {
	if s.cfg.LookupSRV == nil || !serviceName(name) {
		return nil
	}
	_, records, err := s.cfg.LookupSRV(ctx, "", "", name+"._tcp."+v.Domain)
	if err != nil {
		return nil
	}
	for _, r := range records {
		n, known := l.Topology.Node(r.Target)
		if known && n.Deployment == v.Deployment && n.Up() && len(out) < maxServices {
			out = append(out, srvServer{int(r.Priority), int(r.Weight), int(r.Port), n.Host})
		}
	}
	return out
}

// lookUpWait is for all look-ups of one answer.
const lookUpWait = 3 * time.Second

// SRVLookup is net.Resolver's LookupSRV.
type SRVLookup func(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)

// serviceName tells whether a text is one label of a service.
func serviceName(name string) bool {
	return len(name) > 1 && len(name) <= 63 && name[0] == '_' && strings.Trim(name[1:], "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

// printableName is a service's name as it may stand in an answer.
func printableName(name string) string {
	if name == "tftpServer" || serviceName(name) {
		return name
	}
	return "_unknown"
}

// writeXML answers with a document that nobody keeps.
func writeXML(w http.ResponseWriter, v any) {
	body, err := xml.Marshal(v)
	if err != nil {
		refuse(w, http.StatusInternalServerError, "Answer cannot be written")
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.Write([]byte(xml.Header))
	w.Write(body)
}
