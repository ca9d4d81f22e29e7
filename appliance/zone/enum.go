package zone

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/miekg/dns"
)

// maxDigits is the longest number that E.164 and its like know.
const maxDigits = 20

// Number is the digits of an alias that is a telephone number, with or without
// a domain; ok is false for any other.
func Number(alias string) (digits string, ok bool) {
	_, alias = splitScheme(alias)
	user, _, _ := strings.Cut(alias, "@")
	user = strings.TrimPrefix(user, "+")
	var b strings.Builder
	for _, c := range user {
		switch {
		case c >= '0' && c <= '9':
			b.WriteRune(c)
		case strings.ContainsRune("-.()", c): // visual separators (RFC 3966)
		default:
			return "", false
		}
	}
	return b.String(), b.Len() > 0 && b.Len() <= maxDigits
}

// ENUM asks what SIP address a number has below a suffix (RFC 6116): the first
// rule for SIP that matches.
func (r *Resolver) ENUM(ctx context.Context, alias, suffix string) (uri string, err error) {
	digits, ok := Number(alias)
	if !ok {
		return "", fmt.Errorf("%s is not a number: %w", alias, ErrNoRecord)
	}
	rrs, err := r.ask(ctx, enumName(digits, suffix), dns.TypeNAPTR)
	if err != nil {
		return "", err
	}
	for _, n := range sortNAPTR(rrs) {
		if !strings.EqualFold(n.Flags, "u") || !enumSIP(n.Service) {
			continue
		}
		if uri, err := rewrite(unescape(n.Regexp), "+"+digits); err == nil {
			return uri, nil
		}
	}
	return "", fmt.Errorf("no SIP address for +%s: %w", digits, ErrNoRecord)
}

// enumName writes a number's digits backwards, as its name is.
func enumName(digits, suffix string) string {
	var b strings.Builder
	for i := len(digits) - 1; i >= 0; i-- {
		b.WriteByte(digits[i])
		b.WriteByte('.')
	}
	return b.String() + strings.TrimSuffix(suffix, ".") + "."
}

// enumSIP tells whether a service field offers SIP: E2U+sip, or several at once.
func enumSIP(service string) bool {
	parts := strings.Split(strings.ToLower(service), "+")
	if len(parts) < 2 || parts[0] != "e2u" {
		return false
	}
	for _, p := range parts[1:] {
		if p == "sip" || strings.HasPrefix(p, "sip:") {
			return true
		}
	}
	return false
}

// unescape turns a string of a record into what it stands for: the library
// keeps it as zone files write it (RFC 1035 5.1).
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		if i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 10, 8); err == nil {
				b.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		i++
		b.WriteByte(s[i])
	}
	return b.String()
}

// rewrite applies a NAPTR substitution, "!^.*$!sip:info@example.com!i", to a
// number. Only what is then a SIP URI counts.
func rewrite(sub, number string) (string, error) {
	if len(sub) < 4 {
		return "", errors.New("empty substitution")
	}
	parts := strings.Split(sub[1:], sub[:1])
	if len(parts) != 3 || len(sub) > 255 {
		return "", fmt.Errorf("substitution %q cannot be read", sub)
	}
	flags := ""
	if strings.EqualFold(parts[2], "i") {
		flags = "(?i)"
	}
	re, err := regexp.Compile(flags + parts[0])
	if err != nil {
		return "", fmt.Errorf("substitution %q: %w", sub, err)
	}
	at := re.FindStringSubmatchIndex(number)
	if at == nil {
		return "", fmt.Errorf("substitution %q is not for %s", sub, number)
	}
	uri := string(re.ExpandString(nil, groups(parts[1]), number, at))
	if scheme, rest, ok := strings.Cut(uri, ":"); !ok || rest == "" || !strings.EqualFold(scheme, "sip") && !strings.EqualFold(scheme, "sips") {
		return "", fmt.Errorf("%q is no SIP address", uri)
	}
	return uri, nil
}
