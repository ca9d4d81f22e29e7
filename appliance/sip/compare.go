package sip

import "strings"

// Equal compares two URIs by RFC 3261 19.1.4: scheme, host and parameters
// without regard to case, user and password with it, escapes resolved; a port,
// or one of user, ttl, method, maddr and transport, that only one of them has
// makes them differ, any other parameter only if both have it with different
// values; headers must match in any order. URIs of other schemes are compared
// as text, tel: without its visual separators.
func (u URI) Equal(o URI) bool {
	if u == o {
		return true
	}
	if u.Scheme != o.Scheme {
		return false
	}
	if !u.SIP() {
		return sameOther(u, o)
	}
	return Unescape(u.User) == Unescape(o.User) && Unescape(u.Password) == Unescape(o.Password) &&
		sameHost(u, o) && u.Port == o.Port && paramsMatch(u, o) && paramsMatch(o, u) &&
		headersMatch(u.Headers, o.Headers) && headersMatch(o.Headers, u.Headers)
}

func sameHost(u, o URI) bool {
	if same(u.Host, o.Host) {
		return true
	}
	a, ok := u.Addr()
	b, ok2 := o.Addr()
	return ok && ok2 && a == b
}

func paramsMatch(u, o URI) bool {
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		name, value := splitAt(p, '=')
		theirs, found := o.Param(name)
		if found && !strings.EqualFold(Unescape(strings.TrimPrefix(value, "=")), Unescape(theirs)) {
			return false
		}
		if !found && mustMatch(name) {
			return false
		}
	}
	return true
}

func mustMatch(param string) bool {
	switch lower(param) {
	case "user", "ttl", "method", "maddr", "transport":
		return true
	}
	return false
}

// headersMatch tells whether every header of a stands in b.
func headersMatch(a, b string) bool {
	b = strings.TrimPrefix(b, "?")
	for h := range strings.SplitSeq(strings.TrimPrefix(a, "?"), "&") {
		found := false
		for o := range strings.SplitSeq(b, "&") {
			n, v := splitAt(h, '=')
			n2, v2 := splitAt(o, '=')
			found = found || same(n, n2) && Unescape(v) == Unescape(v2)
		}
		if !found {
			return false
		}
	}
	return true
}

func sameOther(u, o URI) bool {
	if u.Scheme != "tel" {
		return u.User+u.Params == o.User+o.Params
	}
	digits := strings.NewReplacer("-", "", ".", "", "(", "", ")", "")
	return strings.EqualFold(digits.Replace(u.User), digits.Replace(o.User)) &&
		paramsMatch(u, o) && paramsMatch(o, u)
}
