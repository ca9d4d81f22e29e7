package edge

import (
	"strings"

	"sallyport/appliance/sip"
)

// withoutAuthInt takes auth-int out of a challenge: bodies are edited on the
// way, and a digest over the body would fail.
func withoutAuthInt(resp *sip.Message) {
	if resp.Status() != 401 && resp.Status() != 407 {
		return
	}
	for _, name := range [...]string{"WWW-Authenticate", "Proxy-Authenticate"} {
		rows := resp.Rows(name)
		changed := false
		for i, row := range rows {
			if !strings.Contains(strings.ToLower(row), "auth-int") {
				continue
			}
			if one := challengeWithoutAuthInt(row); one != row {
				rows[i], changed = one, true
			}
		}
		if changed {
			resp.SetAll(name, rows)
		}
	}
}

// challengeWithoutAuthInt edits the qop of one challenge. If nothing is left
// of it, it goes: the client then answers as RFC 2069 has it.
func challengeWithoutAuthInt(row string) string {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(row), " ")
	if !ok {
		return row
	}
	params := sip.Split(rest)
	kept := params[:0]
	for _, p := range params {
		name, value, _ := strings.Cut(p, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "qop") {
			kept = append(kept, p)
			continue
		}
		if q := otherQops(value); q != "" {
			kept = append(kept, `qop="`+q+`"`)
		}
	}
	return scheme + " " + strings.Join(kept, ", ")
}

func otherQops(value string) string {
	var kept []string
	for q := range strings.SplitSeq(strings.Trim(strings.TrimSpace(value), `"`), ",") {
		if q = strings.TrimSpace(q); q != "" && !strings.EqualFold(q, "auth-int") {
			kept = append(kept, q)
		}
	}
	return strings.Join(kept, ",")
}
