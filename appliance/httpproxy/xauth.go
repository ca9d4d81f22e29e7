package httpproxy

import (
	"encoding/base64"
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

// The login cookie. Its value is the core that knows the login, as edge names
// it, and a secret; both in one unpadded base64url text.
const (
	cookieName   = "X-Auth"
	cookieSecret = 32
	cookieBytes  = 8 + cookieSecret
	maxCookies   = 4 // of that name in one request
)

// newCookie makes a value for a login at a core.
func newCookie(core uint64, random func([]byte)) string {
	b := make([]byte, cookieBytes)
	binary.BigEndian.PutUint64(b, core)
	random(b[8:])
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCookie reads which core knows a login. ok is false for what no core
// has made.
func parseCookie(value string) (core uint64, ok bool) {
	if len(value) != base64.RawURLEncoding.EncodedLen(cookieBytes) || strings.ContainsAny(value, "\r\n") {
		return 0, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(value)
	if err != nil || len(b) != cookieBytes {
		return 0, false
	}
	return binary.BigEndian.Uint64(b), true
}

// cookiesOf are the login cookies in a request that can be meant. A browser
// that knows several edges may send more than one.
func cookiesOf(r *http.Request) (values []string) {
	for _, c := range r.CookiesNamed(cookieName) {
		if _, ok := parseCookie(c.Value); ok && len(values) < maxCookies {
			values = append(values, c.Value)
		}
	}
	return values
}

// setCookie hands a login's cookie to the client.
func setCookie(h http.Header, f Face, l Login, value string, expires time.Time) {
	row := cookieName + "=" + value
	if l.CookieExpiry {
		row += "; Expires=" + expires.UTC().Format(http.TimeFormat)
	}
	if f.Cookie != "" {
		row += "; Domain=." + f.Cookie
	}
	row += "; Path=/; Secure"
	if l.CookieHTTPOnly {
		row += "; HttpOnly"
	}
	h.Add("Set-Cookie", row)
}
