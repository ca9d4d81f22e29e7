package shell

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sallyport/appliance/xapi"
)

// maxLine bounds a line; pasted values of one line (keys, base64) stay far
// below it.
const maxLine = 64 << 10

// word is one word of a line.
type word struct {
	text   string
	quoted bool
	start  int // byte offset in the line; of the quote, if quoted
	end    int
}

// lineError is a line that cannot be cut into words.
type lineError struct {
	column int
	why    string
}

func (e *lineError) Error() string { return fmt.Sprintf("column %d: %s", e.column, e.why) }

// lex cuts a line into words at blanks. A quote opens a quoted word at the
// start of a word or behind a colon (Name:"a b"); elsewhere it is a character
// like others. Within quotes a backslash is itself, so that patterns need no
// doubling, except in front of a quote: see xapi.Quote.
func lex(line string) ([]word, error) {
	if len(line) > maxLine {
		return nil, &lineError{maxLine, "the line is too long"}
	}
	if at := strings.IndexFunc(line, unprintable); at >= 0 {
		return nil, &lineError{column(line, at), "a character that cannot be shown"}
	}
	var words []word
	for at := 0; at < len(line); {
		switch {
		case blank(line[at]):
			at++
		case line[at] == '"':
			text, rest, err := xapi.Unquote(line[at:])
			if err != nil {
				return words, &lineError{column(line, at), "the quote that starts here is never closed"}
			}
			end := len(line) - len(rest)
			words = append(words, word{text, true, at, end})
			at = end
		default:
			end := plainEnd(line, at)
			words = append(words, word{line[at:end], false, at, end})
			at = end
		}
	}
	return words, nil
}

func blank(c byte) bool { return c == ' ' || c == '\t' }

func unprintable(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f || r == utf8.RuneError }

func column(line string, at int) int { return utf8.RuneCountInString(line[:at]) + 1 }

// plainEnd finds the end of an unquoted word: a blank, or a quote behind a colon.
func plainEnd(line string, at int) int {
	for at < len(line) && !blank(line[at]) {
		at++
		if line[at-1] == ':' && at < len(line) && line[at] == '"' {
			break
		}
	}
	return at
}

// texts are the plain texts of words.
func texts(words []word) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = w.text
	}
	return out
}
