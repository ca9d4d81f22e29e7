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
	dropPrivate(r.Header)
	// What the origin says of its own name must not bind edge's.
	r.Header.Del("Strict-Transport-Security")
	r.Header.Del("Alt-Svc")
	cookies(r.Header, p.target.Prefix())
	for _, name := range []string{"Location", "Content-Location"} {
		v := r.Header.Get(name)
		if v == "" {
			continue
		}
		to, ok := p.through(v)
		switch {
		case ok:
			r.Header.Set(name, to)
		case name == "Location":
			return &refusedAnswer{"Redirect leads to a server that is not on the allow list"}
		default:
			r.Header.Del(name)
		}
	}
	return nil
}

// through gives a URL in an answer the form by which the client can follow it,
// if the allow list lets it.
func (p *pass) through(ref string) (string, bool) {
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
	if !p.list.Allows(http.MethodGet, t, p.deploy) {
		return "", false
	}
	out := t.Prefix() + t.Path
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
		name, _, _ := strings.Cut(parts[0], "=")
		if strings.EqualFold(strings.TrimSpace(name), "X-Auth") || strings.HasPrefix(strings.TrimSpace(name), "__Host-") {
			continue // edge's own, and one that may have no Path of ours
		}
		kept = append(kept, cookie(parts, prefix))
	}
	if len(kept) == 0 {
		h.Del("Set-Cookie")
		return
	}
	h["Set-Cookie"] = kept
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
			if c = strings.TrimSpace(c); c != "" && !strings.EqualFold(n, name) {
				kept = append(kept, c)
			}
		}
	}
	h.Del("Cookie")
	if len(kept) > 0 {
		h.Set("Cookie", strings.Join(kept, "; "))
	}
}
