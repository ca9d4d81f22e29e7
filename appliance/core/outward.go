package core

import (
	"net/netip"
	"slices"
	"strings"

	"sallyport/appliance/call"
	"sallyport/appliance/signaling"
	"sallyport/appliance/sip"
)

// An outlet turns what inside systems say about themselves into tokens, for
// one traversal zone. Route sets and contacts go into the book, their handles
// into the tokens.
type outlet struct {
	tokens tokens
	book   book
	zone   string
	sealed string // the zone word of its tokens
	domain string // of the client
	user   mark   // whoever causes what goes into the book
}

// causedBy has what goes into the book count for a user, "" for the inside.
func (o outlet) causedBy(user string) outlet {
	if o.user = (mark{}); user != "" {
		o.user = markOf(user)
	}
	return o
}

// bareFrom is the address of record that a request says it is of, "" where that
// cannot be read.
func bareFrom(m *sip.Message) string { return bareOf(m, "From") }

func bareOf(m *sip.Message, name string) string {
	who, _ := call.AOR(m.Get(name))
	return who
}

// causeInside is who causes a request that an inside system sent: a user of a
// domain of ours, be it that he sits outside and call control passes on what he
// began, or the inside as such.
func (c *Core) causeInside(m *sip.Message) string {
	from := bareFrom(m)
	if _, served := c.plan.Load().Domain(from[strings.LastIndexByte(from, '@')+1:]); !served {
		return ""
	}
	return from
}

// request makes a request of the inside fit for the link. It returns the user
// part of the Record-Route that it put in ("" if none) and the values that it
// took away: responses get those back.
func (o outlet) request(m *sip.Message, session uint64) (own string, taken []string, err error) {
	taken = m.Values("Record-Route")
	m.Remove("Record-Route")
	if signaling.FormsDialog(m) {
		if own, err = o.recordRoute(wayBack{session: session}.of(m, "To"), taken); err != nil {
			return "", nil, err
		}
		m.Add("Record-Route", routeURI(own))
	}
	if err := o.contacts(m, "Contact"); err != nil {
		return "", nil, err
	}
	return own, taken, o.references(m)
}

// response makes a response of the inside fit for the link. The values above
// our own in Record-Route are inside proxies; the order in which a client
// would pass them is theirs reversed (RFC 3261 12.1.2).
func (o outlet) response(m *sip.Message, session uint64, user string) error {
	if m.Status() >= 300 { // no dialog, so no route; and only a redirection names contacts
		m.Remove("Record-Route")
		if m.Status() >= 400 && m.Status() != 485 {
			m.Remove("Contact")
		}
	}
	rows := m.Values("Record-Route")
	if own := slices.IndexFunc(rows, func(v string) bool { return carries(v, user) }); own >= 0 {
		above := slices.Clone(rows[:own])
		slices.Reverse(above)
		rr, err := o.recordRoute(wayBack{session: session}.of(m, "From"), above)
		if err != nil {
			return err
		}
		m.SetAll("Record-Route", append([]string{routeURI(rr)}, rows[own+1:]...))
	} else if len(rows) > 0 {
		m.Remove("Record-Route")
	}
	if err := o.contacts(m, "Contact"); err != nil {
		return err
	}
	return o.references(m)
}

// recordRoute is the token that stands for core and all behind it. The route
// set is in the order in which core will travel it.
func (o outlet) recordRoute(w wayBack, routes []string) (string, error) {
	if len(routes) > 0 {
		h, err := o.book.put(o.user, strings.Join(routes, ","))
		if err != nil {
			return "", err
		}
		w.routes = h
	}
	return o.tokens.sealWayBack(o.sealed, w), nil
}

func routeURI(user string) string { return "<sip:" + user + "@" + coreHost + ";lr>" }

// contacts puts tokens for the URIs of a header, parameters of the header
// kept: they say what the far end can do.
func (o outlet) contacts(m *sip.Message, name string) error {
	if !m.Has(name) {
		return nil
	}
	values := m.Values(name)
	for i, v := range values {
		if v == "*" {
			continue
		}
		masked, err := o.mask(v)
		if err != nil {
			return err
		}
		values[i] = masked
	}
	m.SetAll(name, values)
	return nil
}

func (o outlet) mask(value string) (string, error) {
	na, err := sip.ParseNameAddr(value)
	if err != nil {
		return "", err
	}
	if na.URI.Scheme != "sip" && na.URI.Scheme != "sips" {
		return value, nil
	}
	headers := na.URI.Headers
	na.URI.Headers = ""
	h, err := o.book.put(o.user, na.URI.String())
	if err != nil {
		return "", err
	}
	purpose := byte(purposeContact)
	if _, ok := na.Param(claimed); ok {
		purpose = purposeClaimed
		na = na.WithoutParam(claimed)
	}
	na.URI = sip.URI{Scheme: "sip", User: o.tokens.sealHandle(purpose, o.sealed, h), Host: coreHost, Headers: headers}
	return na.String(), nil
}

// references masks the targets of REFER and its kin where they name an
// address; names of domains pass, since the client may look them up.
func (o outlet) references(m *sip.Message) error {
	for _, name := range [...]string{"Refer-To", "Referred-By"} {
		v := m.Get(name)
		if v == "" {
			continue
		}
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			continue
		}
		if !isAddress(na.URI.Host) {
			if _, ok := na.Param(claimed); ok {
				m.Set(name, na.WithoutParam(claimed).String())
			}
			continue
		}
		if err := o.contacts(m, name); err != nil {
			return err
		}
	}
	return nil
}

// reveal puts the real URI where a client hands one of our contact tokens to
// the inside: Refer-To and Referred-By.
func (o outlet) reveal(m *sip.Message) {
	for _, name := range [...]string{"Refer-To", "Referred-By"} {
		v := m.Get(name)
		if v == "" {
			continue
		}
		na, err := sip.ParseNameAddr(v)
		if err != nil {
			continue
		}
		real, ok := o.contact(na.URI.User)
		if ok {
			na = na.WithoutParam(claimed) // we know better whose it is
		} else if real, ok = o.contactIn(na.URI.String()); !ok {
			continue
		}
		real.Headers = na.URI.Headers
		na.URI = real
		m.Set(name, na.String())
	}
}

// contact is the inside URI that a contact token stands for, if requests may
// begin there.
func (o outlet) contact(user string) (sip.URI, bool) { return o.known(purposeContact, user) }

func (o outlet) known(purpose byte, user string) (sip.URI, bool) {
	h, err := o.tokens.openHandle(purpose, o.sealed, user)
	if err != nil {
		return sip.URI{}, false
	}
	text, err := o.book.get(h)
	if err != nil {
		return sip.URI{}, false
	}
	u, err := sip.ParseURI(text)
	return u, err == nil
}

// contactIn is what the token in a URI stands for, be it only within a dialog.
func (o outlet) contactIn(text string) (sip.URI, bool) {
	u, err := sip.ParseURI(text)
	if err != nil {
		return sip.URI{}, false
	}
	if real, ok := o.contact(u.User); ok {
		return real, true
	}
	return o.known(purposeClaimed, u.User)
}

// sealed tells whether a user part looks like a token of ours.
func sealed(user string) bool {
	owner, tok, ok := sip.ParseTokenUser(user)
	return ok && owner == 'c' && len(tok) >= shortestToken
}

const shortestToken = 38 // an empty text, sealed

// carries tells whether a Route or Record-Route value has this token. A call
// between two clients passes core twice, so any token of ours would not do.
func carries(value, user string) bool {
	return user != "" && strings.Contains(value, ":"+user+"@")
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil
}
