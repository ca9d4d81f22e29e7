package xmpp

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"strings"
)

// userOf is whom an <auth/> says it is for, as user@domain in lower case, and
// its mechanism. The user is "" where the mechanism hides it; nothing is
// trusted by it, since only the node can check it.
func userOf(p Piece, domain string) (user, mechanism string) {
	mechanism = p.Value("mechanism")
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSpace(textOf(p.Raw)))
	if err != nil {
		return "", mechanism
	}
	switch m := strings.ToUpper(mechanism); {
	case m == "PLAIN" || m == "X-OAUTH2":
		if part := bytes.Split(raw, []byte{0}); len(part) == 3 {
			user = string(part[1])
		}
	case m == "CISCO-VTG-TOKEN":
		first, _, _ := bytes.Cut(raw, []byte{0})
		user, _ = strings.CutPrefix(string(first), "userid=")
	case strings.HasPrefix(m, "SCRAM-"):
		user = scramName(string(raw))
	case m == "OAUTHBEARER":
		if part := strings.SplitN(string(raw), ",", 3); len(part) == 3 {
			user, _ = strings.CutPrefix(part[1], "a=")
		}
	}
	return address(user, domain), mechanism
}

// scramName reads "n,,n=user,r=nonce" (RFC 5802 §7).
func scramName(s string) string {
	for _, part := range strings.Split(s, ",")[min(2, strings.Count(s, ",")):] {
		if name, ok := strings.CutPrefix(part, "n="); ok {
			return strings.NewReplacer("=2C", ",", "=3D", "=").Replace(name)
		}
	}
	return ""
}

// address makes a user's bare name whole.
func address(user, domain string) string {
	if user == "" || len(user) > 512 {
		return ""
	}
	if !strings.Contains(user, "@") {
		user += "@" + domain
	}
	return strings.ToLower(user)
}

// textOf is the text of an element.
func textOf(raw []byte) string {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(raw))
	for {
		t, err := d.RawToken()
		if err != nil {
			return b.String()
		}
		if c, ok := t.(xml.CharData); ok {
			b.Write(c)
		}
	}
}
