package sip

import "strings"

// Param finds a URI parameter without regard to case; the value is as written.
func (u URI) Param(name string) (string, bool) {
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, v := splitAt(p, '='); same(n, name) {
			return strings.TrimPrefix(v, "="), true
		}
	}
	return "", false
}

// WithParam sets a parameter, where it stands or at the end. An empty value
// makes it a flag like ;lr. Bytes that would end the URI are escaped.
func (u URI) WithParam(name, value string) URI {
	text := ";" + escape(name, isParamByte)
	if value != "" {
		text += "=" + escape(value, isParamByte)
	}
	var b strings.Builder
	done := false
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, _ := splitAt(p, '='); !same(n, name) {
			b.WriteString(";" + p)
		} else if !done {
			b.WriteString(text)
			done = true
		}
	}
	if !done {
		b.WriteString(text)
	}
	u.Params = b.String()
	return u
}

// WithoutParam takes a parameter out.
func (u URI) WithoutParam(name string) URI {
	if _, found := u.Param(name); !found {
		return u
	}
	var b strings.Builder
	for rest := u.Params; rest != ""; {
		var p string
		p, rest = nextURIParam(rest)
		if n, _ := splitAt(p, '='); !same(n, name) {
			b.WriteString(";" + p)
		}
	}
	u.Params = b.String()
	return u
}

// nextURIParam cuts the first parameter, without its ';', off s.
func nextURIParam(s string) (p, rest string) {
	return splitAt(strings.TrimPrefix(s, ";"), ';')
}

// uriParamsOK refuses empty parameters, and two of one that says where a request
// goes: others might follow the other one.
func uriParamsOK(s string) bool {
	var once uint
	for s != "" {
		var p string
		p, s = nextURIParam(s)
		name, _ := splitAt(p, '=')
		if name == "" {
			return false
		}
		bit := routingParam(name)
		if once&bit != 0 {
			return false
		}
		once |= bit
	}
	return true
}

func routingParam(name string) uint {
	for i, r := range [...]string{"transport", "maddr", "ttl", "user", "method", "lr"} {
		if same(name, r) {
			return 1 << i
		}
	}
	return 0
}

func isParamByte(c byte) bool {
	return isAlpha(c) || isDigit(c) || strings.IndexByte("-_.!~*'()[]/:&+$%", c) >= 0
}
