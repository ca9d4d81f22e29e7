package xmpp

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"strings"
	"sync"
)

// decoys are the challenges of users whom core takes to no node: like those of
// the domain's nodes, and the same for a user each time, as a node's are. A user
// whom a node has challenged before goes on getting what the node said.
type decoys struct {
	key func(what string) []byte // the node's secret of something, the same at each start

	mu   sync.Mutex
	like map[string]task // by domain and mechanism: what a node said last
	of   map[string]task // by user and mechanism: what a node said to that user
}

// maxDecoys bounds the users remembered; any gives way.
const maxDecoys = 10_000

// How a challenge looks where no node has been heard yet.
const (
	usualSuffix = "AAAAAAAAAAAAAAAAAAAAAAAA"
	usualSalt   = 16
	usualRounds = 4096
)

// learn keeps what a node asks of a user.
func (d *decoys) learn(domain, user, mechanism string, h hello, t task) {
	suffix, ok := strings.CutPrefix(t.nonce, h.nonce)
	if !ok {
		return
	}
	t.nonce = suffix
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.like == nil {
		d.like, d.of = map[string]task{}, map[string]task{}
	}
	d.like[mechanism+" "+domain] = t
	who := mechanism + " " + user
	if _, known := d.of[who]; !known && len(d.of) >= maxDecoys {
		for any := range d.of {
			delete(d.of, any)
			break
		}
	}
	d.of[who] = t
}

// make makes the challenge of a user.
func (d *decoys) make(domain, user, mechanism string, h hello) task {
	d.mu.Lock()
	t, known := d.of[mechanism+" "+user]
	if !known {
		like, heard := d.like[mechanism+" "+domain]
		if !heard {
			like = task{usualSuffix, make([]byte, usualSalt), usualRounds}
		}
		t = task{like.nonce, alike(like.salt, stream(d.key(mechanism+" "+user), len(like.salt))), like.rounds}
	}
	d.mu.Unlock()
	fresh := make([]byte, len(t.nonce))
	rand.Read(fresh) // it never fails
	t.nonce = h.nonce + string(alike([]byte(t.nonce), fresh))
	return t
}

// stream stretches a secret to n bytes.
func stream(key []byte, n int) (out []byte) {
	for i := byte(0); len(out) < n; i++ {
		m := hmac.New(sha256.New, key)
		m.Write([]byte{i})
		out = m.Sum(out)
	}
	return out[:n]
}

const (
	hexDigits = "0123456789abcdef"
	letters   = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)

// alike gives random bytes the looks of a sample: hexadecimal digits with what
// stands between them, as in a UUID; letters and digits; or any bytes.
func alike(sample, random []byte) []byte {
	alphabet := ""
	switch {
	case len(sample) == 0 || len(bytes.Trim(sample, hexDigits+letters+"-_=")) > 0:
		return random
	case len(bytes.Trim(sample, hexDigits+"-")) == 0:
		alphabet = hexDigits
	default:
		alphabet = letters
	}
	out := bytes.Clone(sample)
	for i, c := range sample {
		if strings.IndexByte(letters, c) >= 0 {
			out[i] = alphabet[int(random[i])%len(alphabet)]
		}
	}
	return out
}
