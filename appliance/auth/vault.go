package auth

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"sallyport/appliance/door"
)

// Vault is core's end of delegated credentials: local credentials of the
// configuration, and the password of each login while its session lasts, kept
// as hashes and in memory only. All methods may be called from any goroutine.
type Vault struct {
	clock func() time.Time
	plan  atomic.Pointer[Plan]

	wrong *door.Ration[string] // answers, by domain and user

	mu     sync.Mutex
	logins map[string]login // by domain and user
}

// maxWrong bounds the wrong answers for one user within a minute, whatever edge
// brings them. An edge stops each source long before; this stops an edge that
// somebody else has taken.
const maxWrong = 300

// A login is what a session's password comes to.
type login struct {
	until time.Time
	ha1   map[string]string // by algorithm and digest user
	lines []string          // what else the user may register, by user part
}

// maxLogins bounds the sessions that are kept.
const maxLogins = 100_000

// NewVault returns a vault that knows nobody.
func NewVault(clock func() time.Time) *Vault {
	v := &Vault{clock: clock, logins: map[string]login{}, wrong: door.NewRation[string](clock)}
	v.plan.Store(&Plan{})
	return v
}

// Apply sets the local credentials and how domains sign in. It returns the users
// whose password is another one now, or none: edges must forget them.
func (v *Vault) Apply(p Plan) (changed []string) {
	before := v.plan.Swap(&p)
	for name, password := range before.Credentials {
		if p.Credentials[name] != password {
			changed = append(changed, bareUser(name))
		}
	}
	return changed
}

// Mode is how users of a domain prove who they are.
func (v *Vault) Mode(domain string) Mode { return v.plan.Load().Modes[domain] }

// Extra is by how much a token lives longer for registrations.
func (v *Vault) Extra() time.Duration { return v.plan.Load().Extra }

// Owns tells whether a user of a domain may register a line: itself, or one
// that its login brought along.
func (v *Vault) Owns(domain, user, line string) bool {
	return speaksFor(user, line+"@"+domain, domain, v.login(domain, user).lines)
}

// login is what is kept of a user's login, the zero value where none holds.
func (v *Vault) login(domain, user string) login {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.logins[domain+" "+bareUser(user)]
	if !v.clock().Before(l.until) {
		return login{}
	}
	return l
}

// Learn keeps a login: from now until its session ends the user's phones may
// register with the same password, for the user or for one of lines.
func (v *Vault) Learn(domain, user, password string, until time.Time, lines ...string) {
	domain, user = strings.ToLower(domain), bareUser(user)
	l := login{until: until, ha1: map[string]string{}, lines: lines}
	for _, algorithm := range []string{MD5, SHA256} {
		for _, name := range []string{user, user + "@" + domain} {
			l.ha1[algorithm+" "+name] = HA1(algorithm, name, domain, password)
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if _, known := v.logins[domain+" "+user]; known || len(v.logins) < maxLogins {
		v.logins[domain+" "+user] = l
	}
}

func bareUser(user string) string {
	name, _, _ := strings.Cut(user, "@")
	return name
}

// Answer decides a question of an edge.
func (v *Vault) Answer(_ context.Context, q Question) Answer { return v.decide(q) }

func (v *Vault) decide(q Question) Answer {
	domain := strings.ToLower(q.Domain)
	if v.plan.Load().Modes[domain] != Delegated {
		return Answer{Off: true, Why: "domain " + domain + " is not delegated at core"}
	}
	if !strings.EqualFold(q.Digest.Realm, domain) {
		return Answer{Why: "realm is not the domain"}
	}
	who := domain + " " + strings.ToLower(bareUser(q.Digest.User))
	if _, ok := v.wrong.Take(who, maxWrong, time.Minute); !ok {
		return Answer{Why: "too many wrong passwords of " + q.Digest.User}
	}
	l := v.login(domain, q.Digest.User)
	for _, ha1 := range v.candidates(q, domain, l) {
		if !q.Digest.Fits(ha1, q.Method) {
			continue
		}
		if !speaksFor(q.Digest.User, q.Owner, domain, l.lines) {
			return Answer{Why: q.Digest.User + " may not register " + q.Owner}
		}
		v.wrong.Give(who)
		a := Answer{OK: true, User: bareUser(q.Digest.User)}
		if q.Keep {
			a.HA1 = ha1
		}
		return a
	}
	return Answer{Why: "no such user or password"}
}

// candidates are the hashes that a user's answer may be made with.
func (v *Vault) candidates(q Question, domain string, l login) (all []string) {
	d := q.Digest
	if ha1, ok := l.ha1[d.Algorithm+" "+d.User]; ok && d.Realm == domain {
		all = append(all, ha1)
	}
	if password, ok := v.plan.Load().password(bareUser(d.User), domain); ok {
		all = append(all, HA1(d.Algorithm, d.User, d.Realm, password))
	}
	return all
}

// speaksFor tells whether a user of a domain may register an owner: itself, or
// one of the lines that a login brought along.
func speaksFor(user, owner, domain string, lines []string) bool {
	claim, host, _ := strings.Cut(owner, "@")
	name, at, whole := strings.Cut(user, "@")
	if !strings.EqualFold(host, domain) || whole && !strings.EqualFold(at, domain) {
		return false
	}
	return claim == name || slices.Contains(lines, claim)
}

// sweepEvery is how often logins that are over are dropped.
const sweepEvery = time.Minute

// Run drops logins that are over until ctx ends.
func (v *Vault) Run(ctx context.Context) error {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			v.sweep()
		}
	}
}

func (v *Vault) sweep() {
	v.mu.Lock()
	defer v.mu.Unlock()
	now := v.clock()
	for k, l := range v.logins {
		if !now.Before(l.until) {
			delete(v.logins, k)
		}
	}
}
