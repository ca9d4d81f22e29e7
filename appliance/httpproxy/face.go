package httpproxy

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"

	"sallyport/appliance/uc"
)

// Face is how clients of a domain see edge, which tells core with every
// request: core answers in edge's name.
type Face struct {
	Host             string // name that the client asked for, in edge's certificate
	Cookie           string // Domain of the login cookie, "" for the host alone
	HTTPS, SIP, XMPP int    // ports, 0 where edge does not serve that
	Route            string // what SIP requests of the domain's users are to carry as Route
	Core             uint64 // the core that is asked, as edge names it

	TURN    int    // port, 0 if there is none
	TURNTLS bool   // it takes TCP and TLS too
	TURNKey string // what credentials for the domain's users are made with
}

func (f Face) String() string {
	q := url.Values{}
	q.Set("host", f.Host)
	q.Set("cookie", f.Cookie)
	q.Set("https", strconv.Itoa(f.HTTPS))
	q.Set("sip", strconv.Itoa(f.SIP))
	q.Set("xmpp", strconv.Itoa(f.XMPP))
	q.Set("route", f.Route)
	q.Set("core", strconv.FormatUint(f.Core, 16))
	if f.TURN != 0 {
		q.Set("turn", strconv.Itoa(f.TURN))
		q.Set("turntls", strconv.FormatBool(f.TURNTLS))
		q.Set("turnkey", base64.RawURLEncoding.EncodeToString([]byte(f.TURNKey)))
	}
	return q.Encode()
}

// parseFace reads what an edge said; what it did not say is zero.
func parseFace(text string) Face {
	q, err := url.ParseQuery(text)
	if err != nil {
		return Face{}
	}
	port := func(name string) int {
		n, _ := strconv.ParseUint(q.Get(name), 10, 16)
		return int(n)
	}
	key, _ := base64.RawURLEncoding.DecodeString(q.Get("turnkey"))
	core, _ := strconv.ParseUint(q.Get("core"), 16, 64)
	return Face{
		Host: q.Get("host"), Cookie: q.Get("cookie"), Route: q.Get("route"), Core: core,
		HTTPS: port("https"), SIP: port("sip"), XMPP: port("xmpp"),
		TURN: port("turn"), TURNTLS: q.Get("turntls") == "true", TURNKey: string(key),
	}
}

// HostName is the name or address in a Host header, without its port, in the
// spelling that look-ups compare.
func HostName(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		header = host
	}
	return uc.Canonical(header)
}

// CookieDomain is the Domain of a cookie that all edges of one parent domain
// may read: the parent of an edge's name. It is "", for the host alone, where
// the parent is a public suffix, such as co.uk, or the host is an address.
func CookieDomain(host string) string {
	if _, err := netip.ParseAddr(host); err == nil {
		return ""
	}
	_, parent, _ := strings.Cut(host, ".")
	if parent == "" {
		return ""
	}
	if suffix, _ := publicsuffix.PublicSuffix(parent); suffix == parent {
		return ""
	}
	return parent
}
