package xmpp

import (
	"errors"
	"io"
	"slices"
	"strings"
	"time"
)

// errEnded says that a stream ended as it should, by its end tag or by an error
// of the node that the client has been told.
var errEnded = errors.New("the stream has ended")

// dialogue is a stream between a client and a node until the client has logged
// in. Both sides take turns then, so one goroutine can listen to whoever has
// the word, and nothing reaches a node from a stranger but SASL:
//
//	node    header, features ─▶ challenge ─▶ success ─▶ header, features
//	client        └─▶ auth, response … ─┘       └─▶ header ─┘   (logged in)
//
// Each of our nodes holds it with the other one as its far side.
type dialogue struct {
	domain   string
	failures int // that a client may have
	client   *Splitter
	server   *Splitter
	toClient *outlet
	toServer io.Writer

	// Core's say; nil at edge. offered is asked about the hosts that a node
	// hints at or refers to, and tells whether it has set another server; begin
	// about a login, for which it may have set one that waits for it.
	offered func(hosts []string) (moved bool, err error)
	begin   func(user, mechanism string) error
	proven  func()                   // the login turned out well
	heard   func(said Piece, s step) // what the node said to a step of a login

	asked     step // went to the node, which has said nothing to it yet
	asking    time.Time
	mechanism string // of the login that was tried last
	user      string
	hello     hello      // its first message, of SCRAM
	task      *task      // its challenge, likewise
	decoy     *unwelcome // it is for a user whom no node is asked about

	offers []string // mechanisms that the client was told of
	in     bool     // the node said success
}

// step is one of a login.
type step uint8

const (
	none step = iota
	first
	later
)

// login passes the dialogue on until the client is in and knows what it may do
// now. The client's header has been passed.
func (d *dialogue) login() error {
	clients, err := false, error(nil) // turn
	for err == nil {
		if clients {
			clients, err = d.fromClient()
			continue
		}
		clients, err = d.fromServer()
		if clients && d.in && d.server.root != "" {
			return err
		}
	}
	return err
}

// fromServer passes on one piece of the node and tells whether the client is
// next.
func (d *dialogue) fromServer() (clients bool, err error) {
	p, err := d.server.Next()
	if err != nil {
		return false, lostServer(err)
	}
	switch {
	case p.Kind == Space || p.Kind == Header:
	case p.Kind == End:
		err = errEnded
	case p.Is(nsStream, "features"):
		return d.features(p)
	case p.Is(nsStream, "error"):
		if moved, err := d.refer(p); moved || err != nil {
			return false, err
		}
		err = errEnded
	case p.Is(nsSASL, "success"):
		return true, d.success(p)
	case p.Is(nsSASL, "challenge"):
		clients = true
		d.hear(p)
		if t, ok := readTask(p.Raw); ok && isSCRAM(d.mechanism) {
			d.task = &t
		}
	case p.Is(nsSASL, "failure"):
		clients = true
		d.hear(p)
		if d.failures--; d.failures <= 0 {
			return false, fault(condPolicy, "too many failed logins")
		}
	default:
		return false, &Fault{Condition: condRemoteFailed, Err: errors.New("the node says <" + p.Name.Local + "/> before a login")}
	}
	if _, werr := d.toClient.Write(p.Raw); werr != nil {
		err = werr
	}
	return clients, err
}

// hear tells what the node said to what it was asked.
func (d *dialogue) hear(p Piece) {
	if d.asked != none && d.heard != nil {
		d.heard(p, d.asked)
	}
	d.asked = none
}

// lostServer is how a client is told of a node that went away.
func lostServer(err error) error {
	var f *Fault
	if errors.As(err, &f) && f.Err == nil {
		err = errors.New(f.Error())
	}
	return &Fault{Condition: condRemoteFailed, Err: err}
}

func (d *dialogue) features(p Piece) (clients bool, err error) {
	o, err := features(p, d.server.ns)
	if err != nil {
		return false, err
	}
	if d.offered != nil && !d.in && len(o.hosts) > 0 {
		if moved, err := d.offered(o.hosts); moved || err != nil {
			return false, err
		}
	}
	if o.login && len(o.mechanism) == 0 {
		return false, &Fault{Condition: condRemoteFailed, Err: errors.New("the node offers no mechanism that works across TLS connections")}
	}
	d.offers = o.mechanism
	_, err = d.toClient.Write(o.raw)
	return true, err
}

// refer follows a <see-other-host/>, which would lead the client to where it
// cannot go.
func (d *dialogue) refer(p Piece) (moved bool, err error) {
	host := otherHost(p.Raw)
	if host == "" || d.offered == nil {
		return false, nil
	}
	if d.in {
		return false, &Fault{Condition: condReset, Err: errors.New("the node refers to " + host)}
	}
	moved, err = d.offered([]string{host})
	if !moved && err == nil {
		err = &Fault{Condition: condRemoteFailed, Err: errors.New("the node refers to " + host + ", which is not configured")}
	}
	return moved, err
}

func (d *dialogue) success(p Piece) error {
	d.in = true
	if d.proven != nil {
		d.proven()
	}
	_, err := d.toClient.Write(p.Raw)
	d.toClient.restart()
	d.client.Restart()
	d.server.Restart()
	return err
}

// fromClient passes on one piece of the client and tells whether the word stays
// with it.
func (d *dialogue) fromClient() (again bool, err error) {
	p, err := d.client.Next()
	if err != nil {
		return false, err
	}
	switch {
	case p.Kind == Space:
		return true, nil // nothing is kept alive yet, and none may stand before a header
	case p.Kind == End:
		err = errEnded
	case p.Kind == Header:
		if err := meant(p, d.domain); err != nil {
			return false, err
		}
	case p.Is(nsSASL, "auth"):
		if again, err = d.auth(p); again || err != nil {
			return again, err
		}
	case p.Is(nsSASL, "response"):
		if again, err = d.response(p); again || err != nil {
			return again, err
		}
	case p.Is(nsSASL, "abort"):
		if d.decoy != nil {
			d.decoy = nil
			return d.turnDown("aborted")
		}
	default:
		return false, fault(condNotAuthorized, "log in first")
	}
	if _, werr := d.toServer.Write(p.Raw); werr != nil {
		return false, lostServer(werr)
	}
	return false, err
}

// auth judges a login that the client begins. again: the word stays with the
// client, and the node hears nothing.
func (d *dialogue) auth(p Piece) (again bool, err error) {
	d.user, d.mechanism = userOf(p, d.domain)
	d.hello, d.task, d.decoy = hello{}, nil, nil
	if tied(d.mechanism) {
		return d.turnDown("invalid-mechanism")
	}
	d.asking = time.Now()
	if d.begin != nil {
		if wrong := d.misfit(p); wrong != "" {
			return d.turnDown(wrong)
		}
		err = d.begin(d.user, d.mechanism)
	}
	var no *unwelcome
	switch {
	case errors.As(err, &no) && no.challenge != nil:
		d.task, d.decoy = no.challenge, no
		return true, d.toClient.say(no.challenge.challenge())
	case errors.As(err, &no):
		return d.turnAway(no.words())
	case errors.Is(err, errTooOften):
		return d.turnDown("temporary-auth-failure")
	}
	d.asked = first
	return false, err
}

// misfit is what is wrong with a login whoever it is for. A node would say so in
// its own words, and of who has no login nothing reaches it.
func (d *dialogue) misfit(p Piece) (condition string) {
	if !slices.ContainsFunc(d.offers, func(m string) bool { return strings.EqualFold(m, d.mechanism) }) {
		return "invalid-mechanism"
	}
	if isSCRAM(d.mechanism) {
		var ok bool
		if d.hello, ok = readHello(firstOf(p)); !ok {
			return "malformed-request"
		}
	}
	return ""
}

// response judges what the client says to a challenge, like auth.
func (d *dialogue) response(p Piece) (again bool, err error) {
	if d.begin != nil && d.task != nil && !d.task.answers(d.hello, p) {
		return false, fault(condPolicy, "the response is none to the challenge")
	}
	if no := d.decoy; no != nil {
		d.decoy = nil
		return d.turnAway(no.words())
	}
	d.task, d.asked, d.asking = nil, later, time.Now() // a second challenge, of its proof, asks for nothing
	return false, nil
}

// unwelcome says that a user may not log in here, be the password right, and
// how he is told: by a challenge, where a node would give one, and by words, for
// which it waits as long as for a node's.
type unwelcome struct {
	challenge *task
	words     func() string
}

func (*unwelcome) Error() string { return "no login for this user" }

// errTooOften says that there were too many wrong logins.
var errTooOften = errors.New("too many wrong logins")

// turnDown refuses a login that reaches no node; the client may try a few.
func (d *dialogue) turnDown(condition string) (again bool, err error) {
	return d.turnAway(saslFailure(condition))
}

func (d *dialogue) turnAway(words string) (again bool, err error) {
	if d.failures--; d.failures <= 0 {
		return false, fault(condPolicy, "too many failed logins")
	}
	return true, d.toClient.say(words)
}

// meant checks a client's header against the domain that the stream is for.
func meant(p Piece, domain string) error {
	if p.Value("version") == "" {
		return fault(condVersion, "XMPP 1.0 or later is spoken here")
	}
	if to := domainOf(p); to != domain {
		return &Fault{Condition: condHostUnknown, Err: errors.New("the stream is to " + printable(to))}
	}
	return nil
}
