package auth

import (
	"encoding/json"
	"errors"
)

// The control requests between edge and core: edge asks about credentials, core
// tells edge to forget a user, "" everybody.
const (
	MethodDigest = "auth.digest"
	MethodForget = "auth.forget"
)

// A Question is what edge asks core: do these credentials belong to a user of
// the domain who may speak for the owner?
type Question struct {
	Domain string `json:"domain"`
	Owner  string `json:"owner"` // address of record
	Method string `json:"method"`
	Digest Digest `json:"digest"` // realm is the domain
	Keep   bool   `json:"keep"`   // edge has a cache for the answer
}

// An Answer is core's decision.
type Answer struct {
	OK   bool   `json:"ok"`
	User string `json:"user,omitempty"`
	HA1  string `json:"ha1,omitempty"` // for edge's cache; of a right answer only
	Why  string `json:"why,omitempty"` // for logs, not for clients
	// Off says that core does not decide for the domain at all.
	Off bool `json:"off,omitempty"`
}

// maxQuestion bounds what core reads of an edge.
const maxQuestion = 2 * maxDigest

var errQuestion = errors.New("question cannot be read")

// Encode is the question on the wire.
func (q Question) Encode() []byte { b, _ := json.Marshal(q); return b } // strings always can be

// Encode is the answer on the wire.
func (a Answer) Encode() []byte { b, _ := json.Marshal(a); return b }

// DecodeQuestion reads what an edge asks. The error says no more than that it
// cannot be read.
func DecodeQuestion(b []byte) (q Question, err error) {
	if len(b) > maxQuestion || json.Unmarshal(b, &q) != nil || q.Digest.check() != nil {
		return Question{}, errQuestion
	}
	return q, nil
}

// DecodeAnswer reads what core said.
func DecodeAnswer(b []byte) (a Answer, err error) {
	if len(b) > maxQuestion || json.Unmarshal(b, &a) != nil {
		return Answer{}, errors.New("core's answer cannot be read")
	}
	return a, nil
}
