package story

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
)

const anyLines = "..."

// placeholder is <*>, <number>, <time> or <name=regexp>.
var placeholder = regexp.MustCompile(`<(\*|number|time|[a-z][a-z0-9]*=[^<>]+)>`)

// match compares an answer with what was wanted. It returns what named
// placeholders stand for from now on, or what does not fit.
func match(want, got []string, seen map[string]string) (map[string]string, error) {
	if found := matchFrom(want, got, seen); found != nil {
		return found, nil
	}
	return nil, fmt.Errorf("want:\n%s\ngot:\n%s", indent(want), indent(got))
}

func indent(lines []string) string { return "\t" + strings.Join(lines, "\n\t") }

// maxGap bounds the search that "..." makes; an answer is thousands of lines at
// most.
const maxGap = 100_000

func matchFrom(want, got []string, seen map[string]string) map[string]string {
	for len(want) > 0 {
		if want[0] == anyLines {
			for skip := 0; skip <= min(len(got), maxGap); skip++ {
				if found := matchFrom(want[1:], got[skip:], seen); found != nil {
					return found
				}
			}
			return nil
		}
		if len(got) == 0 {
			return nil
		}
		next, ok := matchLine(want[0], got[0], seen)
		if !ok {
			return nil
		}
		want, got, seen = want[1:], got[1:], next
	}
	if len(got) > 0 {
		return nil
	}
	if seen == nil {
		seen = map[string]string{}
	}
	return seen
}

// matchLine compares one line, placeholders and all.
func matchLine(want, got string, seen map[string]string) (map[string]string, bool) {
	want = strings.TrimPrefix(want, "|")
	if !placeholder.MatchString(want) {
		return seen, want == got
	}
	re, names, err := expression(want, seen)
	if err != nil {
		return nil, false
	}
	m := re.FindStringSubmatch(got)
	if m == nil {
		return nil, false
	}
	next := maps.Clone(seen)
	if next == nil {
		next = map[string]string{}
	}
	for i, name := range names {
		if old, known := next[name]; known && old != m[i+1] {
			return nil, false
		}
		next[name] = m[i+1]
	}
	return next, true
}

// expression turns a line into a regular expression whose groups are names.
func expression(want string, seen map[string]string) (re *regexp.Regexp, names []string, err error) {
	var b strings.Builder
	b.WriteString("^")
	at := 0
	for _, m := range placeholder.FindAllStringSubmatchIndex(want, -1) {
		b.WriteString(regexp.QuoteMeta(want[at:m[0]]))
		at = m[1]
		switch what := want[m[2]:m[3]]; what {
		case "*":
			b.WriteString(".*")
		case "number":
			b.WriteString(`\d+`)
		case "time":
			b.WriteString(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?Z?`)
		default:
			name, expr, _ := strings.Cut(what, "=")
			names = append(names, name)
			if old, known := seen[name]; known {
				expr = regexp.QuoteMeta(old)
			}
			if own, err := regexp.Compile(expr); err != nil || own.NumSubexp() > 0 {
				return nil, nil, fmt.Errorf("<%s>: not an expression without groups of its own", what)
			}
			b.WriteString("(" + expr + ")")
		}
	}
	b.WriteString(regexp.QuoteMeta(want[at:]) + "$")
	re, err = regexp.Compile(b.String())
	return re, names, err
}
