package httpproxy

import (
	"net/http"
	"net/url"
	"strings"

	"sallyport/appliance/allow"
)

// refusedAnswer is an origin's answer that must not leave.
type refusedAnswer struct{ why string }

func (e *refusedAnswer) Error() string { return e.why }

// outward makes an origin's answer fit for the client: its cookies stay below
// its own prefix, its redirects lead through edge or nowhere.
func (s *Server) outward(r *http.Response) error {
	p := passOf(r.Request.Context())
	s.tap.answer(p.trace, p.user, hostport(p.target), false, r.StatusCode, r.Header)
	s.ailing.answered(p.target.Host)
	dropPrivate(r.Header)
	for _, name := range ownName() {
		r.Header.Del(name)
	}
	r.Body = &bare{ReadCloser: r.Body, answer: r}
	r.Trailer = nil
	cookies(r.Header, p.prefix)
	if !p.redirect(r.Header, "Content-Location", http.MethodGet) {
		r.Header.Del("Content-Location")
	}
	method, followed := nextMethod(r.Request.Method, r.StatusCode)
	if !p.redirect(r.Header, "Location", method) {
		if followed {
			return &refusedAnswer{"Redirect leads to a server that is not on the allow list"}
		}
		r.Header.Del("Location")
	}
	return nil
}

// nextMethod is the method with which a client goes on to the Location of an
// answer (RFC 9110 15.4), and whether it goes there by itself: a 201 only tells
// where the new thing is.
func nextMethod(method string, status int) (next string, followed bool) {
	switch {
	case status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect:
		return method, true
	case status < 300 || status > 303:
		return http.MethodGet, false
	case status == http.StatusSeeOther && method != http.MethodHead || method == http.MethodPost:
		return http.MethodGet, true
	}
	return method, true
}

// ownName lists the headers in which an origin speaks of its own name and
// address as a whole: behind edge they would bind edge's, and with it every
// other origin. Refresh is a redirect that nothing of this world uses.
func ownName() []string {
	return []string{
		"Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-Ct", "Alt-Svc",
		"Clear-Site-Data", "Service-Worker-Allowed", "Nel", "Report-To", "Reporting-Endpoints", "Refresh", "Set-Cookie2",
	}
}

// redirect makes a header's URL one that leads through edge; false: it must
// not be followed.
func (p *pass) redirect(h http.Header, name, method string) bool {
	switch rows := h[name]; {
	case len(rows) == 0:
		return true
	case len(rows) > 1:
		return false
	}
	to, ok := p.through(h.Get(name), method)
	if ok {
		h.Set(name, to)
	}
	return ok
}

// through gives a URL in an answer the form by which the client can follow it
// with a method, if the allow list lets it.
func (p *pass) through(ref, method string) (string, bool) {
	base, err := url.Parse(p.target.Origin() + p.target.Path)
	if err != nil {
		return "", false
	}
	u, err := base.Parse(ref)
	if err != nil || u.User != nil {
		return "", false
	}
	rule, err := allow.ParseURL(u.Scheme + "://" + u.Host + u.EscapedPath())
	if err != nil {
		return "", false
	}
	t := allow.Target{Domain: p.target.Domain, Scheme: rule.Scheme, Host: rule.Host, Port: rule.Port, Path: rule.Path}
	if !p.list.Allows(method, t, p.deploy) {
		return "", false
	}
	prefix := t.Prefix()
	if t.Origin() == p.target.Origin() {
		prefix = p.prefix // where its cookies are
	}
	out := prefix + t.Path
	if u.RawQuery != "" {
		out += "?" + u.RawQuery
	}
	if u.Fragment != "" {
		out += "#" + u.EscapedFragment()
	}
	return out, true
}

// cookies puts each cookie of an origin below its own prefix and takes its
// Domain away, so that no other server behind edge gets it.
func cookies(h http.Header, prefix string) {
	rows := h["Set-Cookie"]
	kept := rows[:0]
	for _, row := range rows {
		parts := strings.Split(row, ";")
		if mayLeave(parts[0]) {
			kept = append(kept, cookie(parts, prefix))
		}
	}
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
}

// mayLeave keeps back edge's own cookie, those that may have no Path of ours,
// and nameless ones: browsers send their value alone, which can look like
// another cookie's name.
func mayLeave(pair string) bool {
	name, _, named := strings.Cut(pair, "=")
	name = strings.TrimSpace(name)
	host := len(name) >= 7 && strings.EqualFold(name[:7], "__Host-")
	return named && name != "" && !host && !strings.EqualFold(name, "X-Auth")
}

func cookie(parts []string, prefix string) string {
	out, path := []string{strings.TrimSpace(parts[0])}, "/"
	for _, p := range parts[1:] {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "domain":
		case "path":
			if v := strings.TrimSpace(value); strings.HasPrefix(v, "/") {
				path = v
			}
		default:
			out = append(out, strings.TrimSpace(p))
		}
	}
	return strings.Join(append(out, "Path="+prefix+path), "; ")
}

// dropCookie takes one cookie out of a request.
func dropCookie(h http.Header, name string) {
	var kept []string
	for _, row := range h["Cookie"] {
		for _, c := range strings.Split(row, ";") {
			n, _, _ := strings.Cut(strings.TrimSpace(c), "=")
			if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(strings.TrimSpace(n), name) {
				kept = append(kept, c)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}
