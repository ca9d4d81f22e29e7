package xmpp

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// hello is the first message of a SCRAM client (RFC 5802 §7).
type hello struct{ bind, user, nonce string }

// readHello reads it, strictly: what no client says is refused here for
// everybody, since nodes refuse it each in their own way.
func readHello(raw string) (h hello, ok bool) {
	part := strings.Split(raw, ",")
	if len(part) != 4 || part[0] != "n" && part[0] != "y" || part[1] != "" {
		return h, false
	}
	user, named := strings.CutPrefix(part[2], "n=")
	nonce, fresh := strings.CutPrefix(part[3], "r=")
	return hello{part[0] + ",,", user, nonce}, named && fresh && user != "" && nonce != "" && len(nonce) <= maxNonce
}

// task is what a node has a SCRAM client reckon with.
type task struct {
	nonce  string // the client's, and the node's behind it
	salt   []byte
	rounds int
}

const (
	maxNonce = 256
	maxSalt  = 256
)

// readTask reads a node's challenge; ok is false if it is none of SCRAM.
func readTask(raw []byte) (t task, ok bool) {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(textOf(raw)))
	part := strings.Split(string(text), ",")
	if err != nil || len(part) != 3 {
		return t, false
	}
	nonce, one := strings.CutPrefix(part[0], "r=")
	salt, two := strings.CutPrefix(part[1], "s=")
	rounds, three := strings.CutPrefix(part[2], "i=")
	t.nonce = nonce
	t.salt, err = base64.StdEncoding.DecodeString(salt)
	if err != nil || !one || !two || !three || len(nonce) > 2*maxNonce || len(t.salt) > maxSalt {
		return t, false
	}
	t.rounds, err = strconv.Atoi(rounds)
	return t, err == nil
}

func (t task) challenge() string {
	text := "r=" + t.nonce + ",s=" + base64.StdEncoding.EncodeToString(t.salt) + ",i=" + strconv.Itoa(t.rounds)
	return "<challenge xmlns='" + nsSASL + "'>" + base64.StdEncoding.EncodeToString([]byte(text)) + "</challenge>"
}

// answers tells whether a client's second message has the form that the task
// asks for. Whether it knows the password is for a node to say.
func (t task) answers(h hello, p Piece) bool {
	text, err := base64.StdEncoding.DecodeString(strings.TrimSpace(textOf(p.Raw)))
	part := strings.Split(string(text), ",")
	if err != nil || len(part) != 3 || part[1] != "r="+t.nonce {
		return false
	}
	proof, ok := strings.CutPrefix(part[2], "p=")
	_, err = base64.StdEncoding.DecodeString(proof)
	return ok && err == nil && part[0] == "c="+base64.StdEncoding.EncodeToString([]byte(h.bind))
}

// firstOf is what an <auth/> begins with.
func firstOf(p Piece) string {
	raw, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(textOf(p.Raw)))
	return string(raw)
}

func isSCRAM(mechanism string) bool { return strings.HasPrefix(strings.ToUpper(mechanism), "SCRAM-") }
