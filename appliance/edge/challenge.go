package edge

import (
	"hash/maphash"
	"strings"
	"sync"

	"sallyport/appliance/sip"
)

// challenges remembers which digest challenges came from inside for whom.
// Credentials count only as the answer to one of them: a registrar that asks
// nobody would accept any made-up ones, and from a binding calls are let in.
// What has been forgotten (a restart, too many strangers) costs its client one
// more challenge.
type challenges struct {
	seed maphash.Seed

	mu       sync.Mutex
	now, old map[uint64]struct{} // hashes of user and nonce; old goes when now is full
}

// maxChallenges bounds each of the two generations.
const maxChallenges = 50_000

func newChallenges() *challenges {
	return &challenges{seed: maphash.MakeSeed(), now: map[uint64]struct{}{}}
}

func (c *challenges) key(user, nonce string) uint64 {
	var room [256]byte
	return maphash.Bytes(c.seed, append(append(append(room[:0], user...), 0), nonce...))
}

// learn takes the nonces of an answer to a user's REGISTER: those of a
// challenge, and the next one that an accepted answer may name.
func (c *challenges) learn(user string, resp *sip.Message) {
	for _, name := range [...]string{"WWW-Authenticate", "Proxy-Authenticate"} {
		for _, row := range resp.Rows(name) {
			c.add(user, digestParam(row, "nonce"))
		}
	}
	for _, name := range [...]string{"Authentication-Info", "Proxy-Authentication-Info"} {
		for _, row := range resp.Rows(name) {
			c.add(user, digestParam("Digest "+row, "nextnonce"))
		}
	}
}

func (c *challenges) add(user, nonce string) {
	if nonce == "" {
		return
	}
	k := c.key(user, nonce)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.now) >= maxChallenges {
		c.now, c.old = map[uint64]struct{}{}, c.now
	}
	c.now[k] = struct{}{}
}

// answered tells whether a user's REGISTER answers a challenge that came from
// inside, and leaves only such answers in it: without, the registrar asks anew.
// dropped tells that something was taken out.
func (c *challenges) answered(user string, req *sip.Message) (yes, dropped bool) {
	for _, name := range [...]string{"Authorization", "Proxy-Authorization"} {
		answers, foreign := false, false
		for row := range req.Each(name) { // one per field: these are no lists
			known, passes := c.weigh(user, row)
			answers, foreign = answers || known, foreign || !passes
		}
		if foreign {
			dropped, answers = true, c.drop(user, req, name)
		}
		yes = yes || answers
	}
	return yes, dropped
}

// weigh tells whether credentials answer a challenge from inside, and whether
// they may pass: another scheme does, and counts for nothing.
func (c *challenges) weigh(user, row string) (known, passes bool) {
	nonce := digestParam(row, "nonce")
	known = nonce != "" && c.has(user, nonce)
	return known, known || nonce == ""
}

// drop takes the credentials out that may not pass, and tells whether one that
// stays is an answer.
func (c *challenges) drop(user string, req *sip.Message, name string) (yes bool) {
	rows := req.Rows(name)
	req.Remove(name)
	for _, row := range rows {
		known, passes := c.weigh(user, row)
		if yes = yes || known; passes {
			req.Add(name, row)
		}
	}
	return yes
}

// stale tells a client whose credentials were dropped that its nonce was at
// fault, not its password: it answers the new challenge without asking its user.
func stale(resp *sip.Message) {
	for _, name := range [...]string{"WWW-Authenticate", "Proxy-Authenticate"} {
		rows := resp.Rows(name)
		changed := false
		for i, row := range rows {
			if digestParam(row, "nonce") != "" && digestParam(row, "stale") == "" {
				rows[i] = row + ", stale=true"
				changed = true
			}
		}
		if changed {
			resp.SetAll(name, rows)
		}
	}
}

// has also renews: who answers the same challenge at every refresh keeps it.
func (c *challenges) has(user, nonce string) bool {
	k := c.key(user, nonce)
	c.mu.Lock()
	_, now := c.now[k]
	_, old := c.old[k]
	c.mu.Unlock()
	if old && !now {
		c.add(user, nonce)
	}
	return now || old
}

// digestParam is a parameter of Digest credentials or of a Digest challenge,
// "" for other schemes.
func digestParam(value, name string) string {
	scheme, params, _ := strings.Cut(strings.TrimSpace(value), " ")
	if !strings.EqualFold(scheme, "Digest") {
		return ""
	}
	for params != "" {
		var p string
		p, params = sip.Cut(params)
		k, v, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.Trim(strings.TrimSpace(v), `"`)
		}
	}
	return ""
}
