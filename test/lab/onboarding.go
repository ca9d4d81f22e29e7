package lab

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"sync"
	"time"
)

// Activation is the device activation service of a world's home cluster, on
// each of its nodes: it gives tokens for codes, each good once. What it sends has
// names and a form of ours, since none was published; edge passes them as they
// are, which the other forms are there to prove.
type Activation struct {
	cluster *Cluster
	tokens  *TokenIssuer
	files   *Files

	mu      sync.Mutex // guards all below
	codes   map[string]*activationCode
	open    map[string]*activationTry
	service map[string]string // "cluster", "pool NAME" or "device NAME" to a domain
	seen    []string          // "node path status"
	form    ActivationForm
	Domain  string // the activation domain
}

// An activationCode is given to one device.
type activationCode struct {
	digits, owner, pool string
	ends                time.Time
	used                bool
}

type activationTry struct {
	device   string
	srp      *srp
	a        *big.Int
	verifier *big.Int
}

// What phone and service say to each other.
type (
	activationAsk struct {
		Device  string `json:"deviceName,omitempty" xml:"deviceName,omitempty"`
		A       string `json:"A,omitempty" xml:"A,omitempty"`
		Session string `json:"session,omitempty" xml:"session,omitempty"`
		Proof   string `json:"proof,omitempty" xml:"proof,omitempty"`
	}
	activationAnswer struct {
		Session string `json:"session,omitempty" xml:"session,omitempty"`
		Salt    string `json:"salt,omitempty" xml:"salt,omitempty"`
		B       string `json:"B,omitempty" xml:"B,omitempty"`
		Proof   string `json:"proof,omitempty" xml:"proof,omitempty"`
		Access  string `json:"access_token,omitempty" xml:"access_token,omitempty"`
		Refresh string `json:"refresh_token,omitempty" xml:"refresh_token,omitempty"`
		Error   string `json:"error,omitempty" xml:"error,omitempty"`
	}
)

// CloudRedirect is where the cloud sends a phone by its code.
type CloudRedirect struct {
	ServiceDomain string `json:"serviceDomain"` // the activation domain, whatever its name
	CallControl   string `json:"callControl"`
	State         string `json:"state"`
}

// ActivationForm is how phone and service write to each other; the zero value is
// JSON with the exchange's name in it.
type ActivationForm struct {
	Kind   string // "", "xml" or "form"
	Header bool   // the service's first answer stands in WWW-Authenticate, without a body
	Cookie bool   // the exchange is known by a cookie, not by its name
	Status int    // of success; 0: 200
}

// SetForm changes the form.
func (a *Activation) SetForm(f ActivationForm) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.form = f
}

func newActivation(w *World, c *Cluster) *Activation {
	a := &Activation{
		cluster: c, tokens: w.Tokens, files: w.Files,
		codes: map[string]*activationCode{}, open: map[string]*activationTry{}, service: map[string]string{},
	}
	for _, n := range c.Nodes {
		w.Host(n.Addr).Handle("POST /ccmact/v1/actions/srp/invoke", a.at(n, a.invoke))
		w.Host(n.Addr).Handle("POST /ccmact/v1/actions/srp/register", a.at(n, a.register))
	}
	return a
}

// AddCode gives a device of a pool a code that its owner types; life bounds it.
func (a *Activation) AddCode(device, owner, pool string, life time.Duration) string {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e16)) // the reader does not fail
	code := &activationCode{digits: fmt.Sprintf("%016d", n), owner: owner, pool: pool, ends: time.Now().Add(life)}
	a.mu.Lock()
	a.codes[device] = code
	a.mu.Unlock()
	a.writeFile(device)
	return code.digits
}

// SetServiceDomain says where devices are sent to: all of "cluster", those of
// "pool NAME", or "device NAME", of which the last counts first.
func (a *Activation) SetServiceDomain(level, domain string) {
	a.mu.Lock()
	a.service[level] = domain
	var devices []string
	for device := range a.codes {
		devices = append(devices, device)
	}
	a.mu.Unlock()
	for _, device := range devices {
		a.writeFile(device)
	}
}

// Seen lists the requests that reached the service, as "node path status".
func (a *Activation) Seen() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return append([]string(nil), a.seen...)
}

// writeFile makes the file that redirects a device to its service domain.
func (a *Activation) writeFile(device string) {
	a.mu.Lock()
	code, domain := a.codes[device], a.Domain
	for _, level := range []string{"cluster", "pool " + code.pool, "device " + device} {
		if d := a.service[level]; d != "" {
			domain = d
		}
	}
	a.mu.Unlock()
	a.files.Put(device+".cnf.xml", fmt.Appendf(nil, "<device><deviceProtocol>SIP</deviceProtocol><mraServiceDomain>%s</mraServiceDomain></device>", domain))
}

// sessionCookie is where an exchange is known by a cookie.
const sessionCookie = "SRPSESSION"

func (a *Activation) at(n ClusterNode, f func(activationAsk) (int, activationAnswer)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		var ask activationAsk
		status, answer := http.StatusBadRequest, activationAnswer{Error: "not understood"}
		if body, err := io.ReadAll(io.LimitReader(r.Body, 64<<10)); err == nil && readActivation(a.form.Kind, body, &ask) == nil {
			if c, err := r.Cookie(sessionCookie); a.form.Cookie && err == nil {
				ask.Session = c.Value
			}
			status, answer = f(ask)
		}
		a.seen = append(a.seen, fmt.Sprintf("%s %s %d", n.Host, r.URL.Path, status))
		a.write(w, status, answer)
	})
}

func (a *Activation) write(w http.ResponseWriter, status int, answer activationAnswer) {
	if a.form.Cookie && answer.Session != "" {
		http.SetCookie(w, &http.Cookie{Name: sessionCookie, Value: answer.Session, Path: "/ccmact/", Secure: true, HttpOnly: true})
		answer.Session = ""
	}
	if status == http.StatusOK && a.form.Status != 0 {
		status = a.form.Status
	}
	if a.form.Header && status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", fmt.Sprintf("SRP session=%q, salt=%q, B=%q", answer.Session, answer.Salt, answer.B))
		w.WriteHeader(status)
		return
	}
	kind, body := writeActivation(a.form.Kind, answer)
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// invoke begins an exchange. A device without a code gets an answer too, whose
// proof nothing fits.
func (a *Activation) invoke(ask activationAsk) (int, activationAnswer) {
	client, ok := new(big.Int).SetString(ask.A, 16)
	if !ok || ask.Device == "" || len(a.open) > 1000 {
		return http.StatusBadRequest, activationAnswer{Error: "not understood"}
	}
	salt, digits := make([]byte, 16), randomHex(16)
	rand.Read(salt)
	if c := a.codes[ask.Device]; c != nil && !c.used && time.Now().Before(c.ends) {
		digits = c.digits
	}
	t := &activationTry{device: ask.Device, srp: newSRP(), a: client}
	t.verifier = t.srp.verifier(salt, ask.Device, digits)
	t.srp.offer(t.verifier)
	session := randomHex(16)
	a.open[session] = t
	return http.StatusUnauthorized, activationAnswer{Session: session, Salt: hex.EncodeToString(salt), B: t.srp.Public.Text(16)}
}

func (a *Activation) register(ask activationAsk) (int, activationAnswer) {
	t := a.open[ask.Session]
	delete(a.open, ask.Session) // one try each
	if t == nil {
		return http.StatusForbidden, activationAnswer{Error: "no such exchange"}
	}
	key, code := t.srp.serverKey(t.a, t.verifier), a.codes[t.device]
	if key == nil || code == nil || code.used || ask.Proof != srpProof("phone", t.a, t.srp.Public, key) {
		return http.StatusForbidden, activationAnswer{Error: "activation code is wrong, used or over"}
	}
	code.used = true
	return http.StatusOK, activationAnswer{
		Proof: srpProof("server", t.a, t.srp.Public, key), Access: a.tokens.Access(code.owner, time.Hour), Refresh: a.tokens.Refresh(code.owner),
	}
}

// Cloud is what the cloud answers to a phone that asks it where its code is good.
func (a *Activation) Cloud() []byte {
	out, _ := json.Marshal(CloudRedirect{a.Domain, "CUCM", a.tokens.Issuer}) // of strings
	return out
}
