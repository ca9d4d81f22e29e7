package main

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"strings"
)

// password is every phone's, where somebody checks it.
const password = "bench"

// credentials answer digest challenges. The far end's own challenge takes any
// answer, and always gets the same.
type credentials struct {
	user  string
	nonce string // of a challenge that is checked
	count int
}

// learn takes a challenge.
func (c *credentials) learn(challenge []byte) {
	_, rest, found := strings.Cut(string(challenge), `nonce="`)
	if value, _, ok := strings.Cut(rest, `"`); found && ok && value != nonce {
		c.nonce, c.count = value, 0
	}
}

// write appends an Authorization value.
func (c *credentials) write(dst []byte) []byte {
	given, count, response := nonce, 1, "5d41402abc4b2a76b9719d911017c592"
	if c.nonce != "" {
		c.count++
		given, count = c.nonce, c.count
		ha1, ha2 := md5hex(c.user+":"+domain+":"+password), md5hex("REGISTER:sip:"+domain)
		response = md5hex(fmt.Sprintf("%s:%s:%08x:0a4f113b:auth:%s", ha1, given, count, ha2))
	}
	return fmt.Appendf(dst, `Digest username="%s",realm="%s",nonce="%s",uri="sip:%s",response="%s",algorithm=MD5,qop=auth,cnonce="0a4f113b",nc=%08x`,
		c.user, domain, given, domain, response, count)
}

func md5hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
