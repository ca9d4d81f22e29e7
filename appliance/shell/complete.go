package shell

import (
	"slices"
	"strings"
	"time"

	"sallyport/appliance/xapi"
)

// choice is one thing that may stand at the cursor.
type choice struct {
	text string // as it is put into the line, with what follows it: "Port: "
	show string // as it is listed, if not as text
	help string
}

// completion is what may stand at the cursor, and which part of the line it
// replaces.
type completion struct {
	choices []choice
	start   int // of the word at the cursor
}

// statusTime bounds the reading of live status for a completion.
const statusTime = time.Second

// complete finds what may stand at the end of line.
func (s *Session) complete(line string) completion {
	done, last, start, quoted := cut(line)
	c := completion{start: start}
	switch {
	case len(done) == 0:
		for _, v := range verbTable() {
			c.choices = append(c.choices, choice{v.name + " ", v.name, v.help})
		}
	default:
		v, err := s.verb(done[0])
		if err != nil {
			return c
		}
		c.choices, c.start = s.choices(v.name, done[1:], last, start)
	}
	partial := line[c.start:]
	if quoted {
		partial = strings.TrimPrefix(partial, `"`)
	}
	c.choices = slices.DeleteFunc(c.choices, func(x choice) bool {
		return !prefixFold(strings.TrimPrefix(x.text, `"`), partial)
	})
	return c
}

// cut separates the words that are complete from the one at the cursor.
func cut(line string) (done []word, last string, start int, quoted bool) {
	words, err := lex(line)
	if err != nil { // an open quote: what it begins is the last word
		end := 0
		if len(words) > 0 {
			end = words[len(words)-1].end
		}
		at := strings.IndexByte(line[end:], '"')
		if at < 0 {
			return words, "", len(line), false
		}
		return words, line[end+at:], end + at, true
	}
	n := len(words)
	if n == 0 || words[n-1].end < len(line) || words[n-1].quoted {
		return words, "", len(line), false
	}
	return words[:n-1], words[n-1].text, words[n-1].start, false
}

func (s *Session) choices(verb string, done []word, last string, start int) ([]choice, int) {
	switch verb {
	case "xConfiguration":
		return s.pathChoices(done, last, start)
	case "xCommand":
		return s.commandChoices(done, last, start)
	case "xStatus":
		return s.readingChoices(done, xapi.Statuses(), s.b.Status), start
	case "xHistory":
		return s.readingChoices(done, xapi.Histories(), s.b.History), start
	case "xgetxml":
		return s.xmlChoices(done, last), start
	case "xFeedback":
		return s.feedbackChoices(done), start
	case "import", "export":
		return s.fileChoices(), start
	case "rollback", "diff":
		return s.revisionChoices(), start
	case "why", "trace":
		return s.personChoices(verb, done), start
	}
	return nil, start
}

// common is the longest beginning that all choices share.
func common(choices []choice) string {
	if len(choices) == 0 {
		return ""
	}
	text := choices[0].text
	for _, c := range choices[1:] {
		n := 0
		for n < min(len(text), len(c.text)) && strings.EqualFold(text[n:n+1], c.text[n:n+1]) {
			n++
		}
		text = text[:n]
	}
	return text
}
