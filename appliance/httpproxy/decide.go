package httpproxy

import (
	"net/http"
	"strings"

	"sallyport/appliance/allow"
)

// refusal is an answer of ours, and for the log the rule behind it.
type refusal struct {
	status    int
	why, rule string
	retry     int // seconds until it may be tried again; 0: not said
}

// locate fills in where a request leads and for whose users.
func (s *Server) locate(l *live, p *pass, r *http.Request) *refusal {
	if status, why := unfit(r); status != 0 {
		return &refusal{status, why, "syntax", 0}
	}
	path := r.URL.EscapedPath()
	t, err := allow.ParseTarget(path)
	if err != nil {
		return &refusal{http.StatusBadRequest, "Bad target: " + err.Error(), "syntax", 0}
	}
	p.target, p.list = t, l.list
	first, _, _ := strings.Cut(path[1:], "/")
	p.prefix = "/" + first
	var served bool
	if p.deploy, served = l.Domains[t.Domain]; !served {
		return &refusal{http.StatusForbidden, "Domain is not served here", "domain " + t.Domain, 0}
	}
	if !maySpeak(r.Context(), t.Domain) {
		return &refusal{http.StatusForbidden, "This edge does not serve " + t.Domain, "Zones Zone TraversalClient Domains", 0}
	}
	p.deployment = l.Names[p.deploy]
	return nil
}

// decide names the rule that lets a located request through.
func (s *Server) decide(l *live, p *pass, r *http.Request) (*allow.Rule, *refusal) {
	lets := s.admit
	if activates(p.target) {
		lets = s.onboard
	}
	if no := lets(l, p, r); no != nil {
		return nil, no
	}
	t := p.target
	rule, why := l.Decide(l.list, r.Method, t, p.deploy, true)
	if rule == nil {
		return nil, &refusal{http.StatusForbidden, "Not on the allow list", why, 0}
	}
	_, node := l.Nodes[t.Host]
	p.credentials = node && !openFiles(t) || rule.Authorization
	return rule, nil
}

// openFiles tells whether a request is for configuration files in the clear,
// which need no credentials and shall not carry them past others' eyes.
func openFiles(t allow.Target) bool { return t.Scheme == "http" && t.Port == tftpPort }

// request is where a request leads, for the log.
func (p *pass) request() string {
	if p.target.Scheme == "" {
		return p.target.Path
	}
	return p.target.Origin() + p.target.Path
}

func (s *Server) deny(w http.ResponseWriter, r *http.Request, p *pass, no *refusal) {
	s.logDenial(r, p, no)
	s.tap.request(p.trace, p.user, "edge", false, r)
	no.answer(w)
	s.tap.answer(p.trace, p.user, "edge", true, no.status, w.Header())
}

// logDenial writes one down, with the rule behind it.
func (s *Server) logDenial(r *http.Request, p *pass, no *refusal) {
	if !s.lines.Writes(p.client) {
		return
	}
	s.cfg.Log.Info("http request denied", "event", "denied", "method", r.Method, "status", no.status, "why", no.why,
		"rule", no.rule, "request", p.request(), "deployment", p.deployment, "user", p.user, "client", p.client, "trace", p.trace)
}
