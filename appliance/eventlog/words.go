package eventlog

import "strings"

// What a word says about the value that follows it.
type secrecy uint8

const (
	notSecret secrecy = iota
	always            // password: the value is secret in every form
	sometimes         // token=, "token": but not the prose "bad token: expired"
	wholeLine         // a header: secret to the end of the line
	keying            // inline:KEY|lifetime
)

// secretParts make a word secret wherever they stand in it; ice-pwd,
// axlpassword and Authentication_Password are caught by them.
var secretParts = []string{"password", "passwd", "passphrase", "pwd", "privatekey", "private_key", "apikey", "api_key", "x-auth", "credential", "secret"}

// classify reads the word s[i:end] in its surroundings.
func classify(s string, i, end int) secrecy {
	word := strings.ToLower(s[max(i, end-64):end])
	for _, part := range secretParts {
		if strings.Contains(word, part) {
			return always
		}
	}
	switch {
	case strings.HasSuffix(word, "authorization"), strings.HasSuffix(word, "cookie"), strings.HasSuffix(word, "cookie2"),
		word == "key-mgmt", // MIKEY in SDP, RFC 4567
		word == "x-sallyport" && strings.HasSuffix(s[:i], "a="):
		return wholeLine
	case word == "k" && sdpKey(s, i, end):
		return wholeLine
	case word == "inline":
		return keying
	case strings.HasSuffix(word, "token"), word == "response", word == "rspauth", word == "ha1", word == "pn-prid", strings.HasSuffix(word, "jsessionid"):
		return sometimes
	case i > 0 && (s[i-1] == '?' || s[i-1] == '&') && queryWord(word):
		return sometimes
	}
	return notSecret
}

// queryWord names what is a secret only as a parameter of a URL or form.
func queryWord(word string) bool {
	switch word {
	case "code", "code_verifier", "state", "assertion", "samlresponse", "samlrequest", "sig", "signature", "key", "session", "ticket":
		return true
	}
	return false
}

// sdpKey tells SDP's k= line from any other k.
func sdpKey(s string, i, end int) bool {
	if i > 0 && s[i-1] != '\n' || !strings.HasPrefix(s[end:], "=") {
		return false
	}
	rest := s[end+1:]
	return strings.HasPrefix(rest, "clear:") || strings.HasPrefix(rest, "base64:") || strings.HasPrefix(rest, "uri:")
}

// secretAttr tells whether the value of a log attribute is secret by its key
// alone, whatever it looks like.
func secretAttr(key string) bool {
	switch key { // what nearly every line of a call or a registration has
	case "event", "from", "to", "direction", "call", "trace", "user", "peer", "status", "method", "rule", "why", "zone", "expires":
		return false
	}
	key = key[strings.LastIndexByte(key, '.')+1:]
	switch kind := classify(key, 0, len(key)); kind {
	case always, wholeLine, keying:
		return true
	case sometimes:
		return !strings.EqualFold(key, "response") // a reply's status line, in our own logs
	}
	return false
}
