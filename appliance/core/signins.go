package core

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/auth"
	"sallyport/appliance/state"
	"sallyport/appliance/traversal"
)

// ruleSignIn is why a registration is refused whose user edge names, but whose
// password core never saw proven to that edge.
const ruleSignIn = "delegated sign-in"

// signIns are the right answers to edges' challenges: by which edge, for which
// user of a domain, as which user part of an address of record. An edge may go
// on by its digest cache; it cannot name somebody who never signed in there.
type signIns struct{ table *state.Table }

const (
	maxSignIns  = 100_000
	signInShare = 40_000 // of one edge
)

func newSignIns(store *state.Store) signIns {
	t := store.Table("signins", maxSignIns)
	t.Share(8, signInShare)
	return signIns{t}
}

// answerDigest decides for an edge whether a user's answer to its challenge is
// right, and notes if it is.
func (c *Core) answerDigest(ctx context.Context, p traversal.Peer, in []byte) ([]byte, error) {
	q, err := auth.DecodeQuestion(in)
	if err != nil {
		return auth.Answer{Why: err.Error()}.Encode(), nil
	}
	if !c.edgeSpeaks(p, q.Domain) {
		return auth.Answer{Off: true, Why: "this edge does not serve " + q.Domain}.Encode(), nil
	}
	a := c.vault.Answer(ctx, q)
	if a.OK {
		if err := c.signIns.note(uint64(p.ID), q.Domain, userOfAOR(q.Owner), a.User); err != nil {
			return auth.Answer{Why: err.Error()}.Encode(), nil
		}
	}
	return a.Encode(), nil
}

func signInKey(peer uint64, domain, claim, user string) string {
	key, _ := callerKey(peer, "0")
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s", strings.ToLower(domain), claim, user))
	return string(append(key[:8:8], sum[:16]...))
}

func (s signIns) note(peer uint64, domain, claim, user string) error {
	return s.table.Put(signInKey(peer, domain, claim, user), []byte(user), contactTTL)
}

func (s signIns) known(peer uint64, domain, claim, user string) bool {
	_, ok := s.table.Get(signInKey(peer, domain, claim, user))
	return ok
}

// forget drops what is known of users whose password is another one now.
func (s signIns) forget(users []string) {
	if len(users) == 0 {
		return
	}
	var gone []string
	s.table.Range(func(key string, user []byte, _ time.Time) bool {
		if slices.ContainsFunc(users, func(u string) bool { return strings.EqualFold(u, string(user)) }) {
			gone = append(gone, key)
		}
		return true
	})
	for _, key := range gone {
		s.table.Delete(key)
	}
}

func userOfAOR(aor string) string {
	user, _, _ := strings.Cut(aor, "@")
	return user
}
