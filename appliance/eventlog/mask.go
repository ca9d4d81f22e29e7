package eventlog

import (
	"encoding/base64"
	"net/http"
	"strings"
)

// Masking is one pass over the text, without regular expressions, because it
// runs on every log line. It looks at each word that is followed by something
// like a value, and where the word names a secret the value becomes ***.
// When in doubt it masks too much: a log that lost a word can be read, a key
// that was written cannot be taken back. Mask(Mask(s)) == Mask(s).

const masked = "***"

// Mask hides the secrets in s: passwords, tokens, cookies, Authorization
// values, digest responses, SDES and link media keys, private keys. Digest
// parameters other than the response stay, they are needed to see why a login
// failed.
func Mask(s string) string {
	if harmless(s) {
		return s
	}
	return mask(s)
}

// harmless tells at a glance what can hold no secret, as most values of a log line
// can not: each secret stands behind a separator, but for a JSON web token.
func harmless(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ':', '=', '>', '"', ' ', '\t', '\r', '\n':
			return false
		case 'J':
			if strings.HasSuffix(s[:i], "ey") {
				return false
			}
		}
	}
	return true
}

func mask(s string) string {
	var out strings.Builder
	done := 0 // s[:done] is in out
	for i := 0; i < len(s); {
		from, to, next := secretAt(s, i)
		switch {
		case to <= done || s[from:to] == masked:
		case from < done: // begins inside the last one
			done = to
		default:
			out.WriteString(s[done:from])
			out.WriteString(masked)
			done = to
		}
		i = next
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// MaskSIP hides the secrets in a SIP or HTTP message as it stood on the wire.
// The result is a copy.
func MaskSIP(message []byte) []byte { return []byte(Mask(string(message))) }

// MaskHTTPHeader returns a copy of h with its secrets hidden.
func MaskHTTPHeader(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		for _, v := range values {
			// The name tells how to read the value, as it does on the wire.
			_, v, _ = strings.Cut(Mask(name+": "+v), ": ")
			out[name] = append(out[name], v)
		}
	}
	return out
}

// secretAt looks at the text at i. It returns the secret found there, if
// from < to, and where to look on.
func secretAt(s string, i int) (from, to, next int) {
	if !wordByte(s[i]) {
		return 0, 0, i + 1
	}
	if from, to = privateKey(s, i); from < to {
		return from, to, to
	}
	end := i
	for end < len(s) && wordByte(s[end]) {
		end++
	}
	if from, to = bareToken(s, i, end); from < to {
		return from, to, to
	}
	if from, to = userinfo(s, i, end); from < to {
		return from, to, to
	}
	from, to = namedSecret(s, i, end)
	if from >= to {
		return 0, 0, end
	}
	return from, to, max(end, lastWord(s, from, to))
}

// lastWord returns where the last word of a value begins: it may be the name
// of a secret that follows, as in `password= Password: "x"`.
func lastWord(s string, from, to int) int {
	for to > from && (blank(s[to-1]) || strings.IndexByte("\r\n:=>\"'\\", s[to-1]) >= 0) {
		to--
	}
	for to > from && wordByte(s[to-1]) {
		to--
	}
	return to
}

func wordByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// privateKey finds what stands between the marks of a PEM private key.
func privateKey(s string, i int) (from, to int) {
	const begin, mark = "-----BEGIN ", "PRIVATE KEY-----"
	if !strings.HasPrefix(s[i:], begin) {
		return 0, 0
	}
	label := strings.Index(s[i:min(len(s), i+64)], mark)
	if label < 0 {
		return 0, 0
	}
	from = i + label + len(mark)
	if n := strings.Index(s[from:], "-----END"); n >= 0 {
		return from, from + n
	}
	return from, len(s)
}

// bareToken finds secrets that are known by their own look: a JSON web token,
// and what follows the words Bearer and Basic.
func bareToken(s string, i, end int) (from, to int) {
	word := s[i:end]
	switch {
	case strings.HasPrefix(word, "eyJ") && len(word) >= 12:
		return i, run(s, i, tokenByte)
	case strings.EqualFold(word, "bearer"):
		if from = blanks(s, end); from > end {
			if to = run(s, from, tokenByte); to-from >= 12 {
				return from, to
			}
		}
	case strings.EqualFold(word, "basic"):
		if from = blanks(s, end); from > end {
			if to = run(s, from, tokenByte); basicPair(s[from:to]) {
				return from, to
			}
		}
	}
	return 0, 0
}

// maxUserinfo bounds how far the end of a user and password is looked for.
const maxUserinfo = 512

// userinfo finds the password of scheme://user:password@host and of
// sip:user:password@host.
func userinfo(s string, i, end int) (from, to int) {
	start := end + len("://")
	switch word := s[i:end]; {
	case strings.HasPrefix(s[end:], "://"):
	case strings.HasPrefix(s[end:], ":") && (strings.EqualFold(word, "sip") || strings.EqualFold(word, "sips")):
		start = end + 1
	default:
		return 0, 0
	}
	limit := min(len(s), start+maxUserinfo)
	stop := start + until(s[start:limit], 0, "/?#<>\"' \t\r\n")
	at := strings.LastIndexByte(s[start:stop], '@')
	if at < 0 {
		return 0, 0
	}
	user, _, found := strings.Cut(s[start:start+at], ":")
	if !found {
		return 0, 0
	}
	return start + len(user) + 1, start + at
}

// basicPair tells credentials from the prose "basic authentication".
func basicPair(text string) bool {
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	return err == nil && strings.IndexByte(string(b), ':') >= 0
}

func tokenByte(c byte) bool {
	return wordByte(c) || c == '.' || c == '+' || c == '/' || c == '=' || c == '~'
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

// blanks returns the end of the white space from i on, over folded lines but
// not into the next one.
func blanks(s string, i int) int {
	for {
		i = run(s, i, blank)
		next := lineEnd(s, i)
		if next == i || next == len(s) || !blank(s[next]) {
			return i
		}
		i = next
	}
}

// lineEnd returns the index behind the line end at i, or i if there is none.
func lineEnd(s string, i int) int {
	if strings.HasPrefix(s[i:], "\r") {
		i++
	}
	if strings.HasPrefix(s[i:], "\n") {
		i++
	}
	return i
}

// run returns the end of the bytes from i on that satisfy is.
func run(s string, i int, is func(byte) bool) int {
	for i < len(s) && is(s[i]) {
		i++
	}
	return i
}

// namedSecret finds the value of a word that names a secret: name=value,
// name: value, "name":"value", <name>value</name>, name "value".
func namedSecret(s string, i, end int) (from, to int) {
	sep, value := separator(s, i, end)
	if sep == 0 {
		return 0, 0
	}
	kind := classify(s, i, end)
	switch {
	case kind == notSecret, kind == sometimes && sep == ':' && s[end] == ':', kind != always && sep == ' ':
		return 0, 0
	case kind == keying:
		return value, run(s, value, func(c byte) bool { return wordByte(c) || c == '+' || c == '/' || c == '=' || c == '*' })
	case sep == '>':
		return value, until(s, value, "<")
	}
	if from, to, quoted := quotedValue(s, value); quoted {
		return from, to
	}
	switch kind {
	case wholeLine:
		return restOfLine(s, value)
	case always:
		if sep == '=' {
			return value, until(s, value, " \t\r\n\"<&")
		}
		return value, until(s, value, " \t\r\n\"<")
	}
	return value, until(s, value, " \t\r\n\"'<>,;&")
}

// separator tells what joins a word to its value, 0 for nothing, and where
// the value begins.
func separator(s string, i, end int) (sep byte, value int) {
	j := end
	for j < len(s) && j < end+2 && (s[j] == '"' || s[j] == '\'' || s[j] == '\\') {
		j++ // the closing quote of a JSON name
	}
	k := blanks(s, j)
	if k == len(s) {
		return 0, 0
	}
	switch s[k] {
	case ':', '=':
		return s[k], blanks(s, k+1)
	case '>':
		if k == end {
			return '>', k + 1
		}
	case '"':
		if k > end && j == end {
			return ' ', k
		}
	}
	if i > 0 && (s[i-1] == '<' || s[i-1] == ':') && k > end { // <password type="x">value<
		if n := strings.IndexAny(s[k:min(len(s), k+256)], "<>"); n >= 0 && s[k+n] == '>' {
			return '>', k + n + 1
		}
	}
	return 0, 0
}

func until(s string, i int, stops string) int {
	if n := strings.IndexAny(s[i:], stops); n >= 0 {
		return i + n
	}
	return len(s)
}

// quotedValue finds the inside of a quoted value; one that is never closed
// reaches to the end of the text.
func quotedValue(s string, i int) (from, to int, ok bool) {
	switch {
	case strings.HasPrefix(s[i:], `\"`):
		return i + 2, end(s, i+2, strings.Index(s[i+2:], `\"`)), true
	case strings.HasPrefix(s[i:], `'`):
		return i + 1, end(s, i+1, strings.IndexByte(s[i+1:], '\'')), true
	case strings.HasPrefix(s[i:], `"`):
		for j := i + 1; j < len(s); j++ {
			switch s[j] {
			case '\\':
				j++
			case '"':
				return i + 1, j, true
			}
		}
		return i + 1, len(s), true
	}
	return 0, 0, false
}

func end(s string, from, n int) int {
	if n < 0 {
		return len(s)
	}
	return from + n
}

// restOfLine finds a header value with its folded lines. A Digest value is
// left to the rule for its response parameter.
func restOfLine(s string, i int) (from, to int) {
	if len(s)-i >= 7 && strings.EqualFold(s[i:i+6], "digest") && blanks(s, i+6) > i+6 {
		return 0, 0
	}
	to = i
	for {
		to = until(s, to, "\r\n")
		next := lineEnd(s, to)
		if next == len(s) || next == to || !blank(s[next]) {
			return i, to
		}
		to = next
	}
}
