package httpproxy

import (
	"context"
	"encoding/xml"
	"net/http"
	"time"
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
	if s.lines.Writes(v.Source) {
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
		TURN     turnServers `xml:"edgeConfig>turnEdgeServer"`
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
	turnServers struct {
		Server *turnServer `xml:"server"`
	}
	turnServer struct {
		Address  string `xml:"address"`
		Port     int    `xml:"port"`
		TLSPort  int    `xml:"tlsPort,omitempty"`
		User     string `xml:"username"`
		Password string `xml:"password"`
		Life     int    `xml:"ttl"` // seconds
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
	a.TURN = s.turnFor(l, f, in)
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

// turnFor gives a login the use of edge's TURN server for as long as it lives.
func (s *Server) turnFor(l *live, f Face, in *login) turnServers {
	if f.TURN == 0 || f.TURNKey == "" || s.cfg.Auth.TURN == nil {
		return turnServers{}
	}
	ends := in.Begun.Add(l.Login.Life)
	t := &turnServer{Address: f.Host, Port: f.TURN, Life: max(0, int(ends.Sub(s.clock())/time.Second))}
	if f.TURNTLS {
		t.TLSPort = f.TURN
	}
	t.User, t.Password = s.cfg.Auth.TURN([]byte(f.TURNKey), in.User, in.Domain, ends)
	return turnServers{t}
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
