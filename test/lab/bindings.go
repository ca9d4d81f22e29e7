package lab

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Binding is one registered contact.
type Binding struct {
	Contact  string // URI
	Params   string // of the Contact header, without expires
	Path     []string
	Instance string
	RegID    string
	Device   string // +sip.instance, agreed on or not
	Q        float64
	Expires  time.Time
	CallID   string
	Seq      uint32
	link     *link // the connection it came on
}

const maxBindings = 16 // of one user

// Bindings lists a user's live bindings.
func (r *Registrar) Bindings(user string) []Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []Binding
	for _, b := range r.liveLocked(user) {
		all = append(all, *b)
	}
	return all
}

// Forget drops a user's bindings, as an administrator of the registrar may.
func (r *Registrar) Forget(user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.bindings, user)
}

// liveLocked drops what has expired and returns the rest.
func (r *Registrar) liveLocked(user string) []*Binding {
	live := slices.DeleteFunc(r.bindings[user], func(b *Binding) bool { return time.Now().After(b.Expires) })
	r.bindings[user] = live
	return live
}

// register serves a REGISTER for our domain.
func (r *Registrar) register(t *serverTx) {
	user, _, _ := splitURI(uriOf(t.req.Get("To")))
	if _, known := r.cfg.Accounts[user]; !known {
		t.reply(404, "Not Found", randomHex(5))
		return
	}
	owner, ok := r.bearer(t)
	if !ok && !r.open() && !r.admit(t, user, "Authorization", 401, "WWW-Authenticate") {
		return
	}
	if !r.pathAllowed(t) {
		return
	}
	if status, reason := r.bind(t, user); status != 0 {
		t.reply(status, reason, randomHex(5))
		return
	}
	t.reply(200, "OK", randomHex(5), func(m *Message) {
		r.describe(m, t.req, user)
		if owner != "" {
			m.nameOwner(owner)
		}
	})
}

// bearer is whose access token a request bears.
func (r *Registrar) bearer(t *serverTx) (owner string, ok bool) {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		if token, has := strings.CutPrefix(t.req.Get(name), "Bearer "); has && r.cfg.Bearer != nil {
			return r.cfg.Bearer(token)
		}
	}
	return "", false
}

// nameOwner tells in each Contact whose device it is, as call control does.
func (m *Message) nameOwner(user string) {
	for i, f := range m.Fields {
		if f.Name == "Contact" {
			m.Fields[i].Value += `;+u.sip!userid.ccm.cisco.com="` + user + `"`
		}
	}
}

// admit checks credentials and answers the request itself if they will not do.
func (r *Registrar) admit(t *serverTx, user, header string, status int, challenge string) bool {
	who, verdict := r.digest.check(t.req.Get(header), t.req.Method())
	switch {
	case verdict == credentialsGood && who == user:
		return true
	case verdict == credentialsGood:
		t.reply(403, "Not Your Address", randomHex(5))
	default:
		v := r.digest.challenge(verdict == credentialsStale)
		t.reply(status, "Unauthorized", randomHex(5), func(m *Message) { m.Add(challenge, v) })
	}
	return false
}

// pathAllowed does RFC 3327 5.3 and RFC 5626 6 for the registrar's mode.
func (r *Registrar) pathAllowed(t *serverTx) bool {
	path := t.req.All("Path")
	if r.cfg.Path >= PathStrict && len(path) > 0 && !t.req.Has("Supported", "path") {
		t.reply(420, "Bad Extension", randomHex(5), func(m *Message) { m.Add("Unsupported", "path") })
		return false
	}
	if len(path) > 0 && r.outbound(t.req) && uriParam(uriOf(path[len(path)-1]), "ob") == "" {
		t.reply(439, "First Hop Lacks Outbound Support", randomHex(5))
		return false
	}
	return true
}

// outbound tells whether a REGISTER asks for RFC 5626 and will get it.
func (r *Registrar) outbound(m *Message) bool {
	contacts := m.All("Contact")
	return r.cfg.Path == PathOutbound && m.Has("Supported", "outbound") && len(contacts) == 1 &&
		paramOf(contacts[0], "reg-id") != "" && paramOf(contacts[0], "+sip.instance") != ""
}

// bind applies every Contact of a REGISTER; a status says why not.
func (r *Registrar) bind(t *serverTx, user string) (int, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	contacts := t.req.All("Contact")
	if len(contacts) == 1 && contacts[0] == "*" {
		delete(r.bindings, user)
		return 0, ""
	}
	for _, c := range contacts {
		if paramOf(c, "cisco-keep-alive") != "" {
			continue // it asks whether we live, and takes nothing back
		}
		if status, reason := r.bindOneLocked(t, user, c); status != 0 {
			return status, reason
		}
	}
	return 0, ""
}

func (r *Registrar) bindOneLocked(t *serverTx, user, contact string) (int, string) {
	b := r.newBinding(t, contact)
	live := r.liveLocked(user)
	i := slices.IndexFunc(live, b.same)
	if i >= 0 && live[i].CallID == b.CallID && live[i].Seq >= b.Seq {
		return 500, "CSeq Out Of Order"
	}
	if i >= 0 {
		live = slices.Delete(live, i, i+1)
	}
	live = r.replaceLocked(live, b)
	if b.Expires.After(time.Now()) {
		live = append(live, b)
	}
	if len(live) > maxBindings {
		return 503, "Too Many Contacts"
	}
	r.bindings[user] = live
	return 0, ""
}

func (r *Registrar) newBinding(t *serverTx, contact string) *Binding {
	b := &Binding{Contact: uriOf(contact), Params: withoutExpires(paramsOf(contact)), Q: 1,
		CallID: t.req.Get("Call-ID"), Seq: t.req.Seq(), Expires: time.Now().Add(r.expiry(t.req, contact)), link: t.link}
	if q, err := strconv.ParseFloat(paramOf(contact, "q"), 64); err == nil {
		b.Q = q
	}
	if r.cfg.Path != PathOff {
		b.Path = t.req.All("Path")
	}
	if t.req.Has("Supported", optionPersist) {
		b.Device = paramOf(contact, "+sip.instance")
	}
	if r.outbound(t.req) {
		b.Instance, b.RegID = paramOf(contact, "+sip.instance"), paramOf(contact, "reg-id")
	}
	return b
}

// same tells whether another binding is the same registration: by instance and
// reg-id where outbound is agreed, else by Contact.
func (b *Binding) same(o *Binding) bool {
	if b.Instance != "" {
		return b.Instance == o.Instance && b.RegID == o.RegID
	}
	return o.Instance == "" && b.Contact == o.Contact
}

func (r *Registrar) expiry(m *Message, contact string) time.Duration {
	v := paramOf(contact, "expires")
	setDefault(&v, m.Get("Expires"))
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return r.cfg.MaxExpires
	}
	return min(time.Duration(n)*time.Second, r.cfg.MaxExpires)
}

func withoutExpires(params string) string {
	var kept []string
	for _, p := range strings.Split(params, ";") {
		if p != "" && !strings.HasPrefix(strings.ToLower(strings.TrimSpace(p)), "expires=") {
			kept = append(kept, ";"+strings.TrimSpace(p))
		}
	}
	return strings.Join(kept, "")
}

// describe lists the bindings in a 200, and Path where its mode shows it.
func (r *Registrar) describe(m, req *Message, user string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.liveLocked(user) {
		left := int(time.Until(b.Expires).Seconds() + 0.5)
		m.Add("Contact", fmt.Sprintf("<%s>%s;expires=%d", b.Contact, b.Params, left))
	}
	if r.cfg.Path != PathOff && req.Has("Supported", "path") {
		for _, p := range req.All("Path") {
			m.Add("Path", p)
		}
	}
	if r.cfg.Persist && req.Has("Supported", optionPersist) {
		m.Add("Supported", optionPersist)
	}
	if req.Has("Supported", optionFallback) {
		m.Add("Supported", optionFallback)
	}
	if r.outbound(req) {
		m.Add("Require", "outbound").Add("Supported", "path, outbound")
	}
}

// AskAll has an Open registrar challenge everybody from now on.
func (r *Registrar) AskAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cfg.Open = false
}

func (r *Registrar) open() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cfg.Open
}
