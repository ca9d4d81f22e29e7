package zone

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern recognises aliases and says what becomes of the part that matched.
// Letters match in either case.
type Pattern struct {
	kind, text, behavior, replace string
	regex                         *regexp.Regexp
}

// NewPattern makes a pattern of a type (Exact, Prefix, Suffix, Regex) with a
// behavior (Strip, Leave, Replace, AddPrefix, AddSuffix). Of a regular
// expression groups are called \1 to \9 in the replacement.
func NewPattern(kind, text, behavior, replace string) (*Pattern, error) {
	p := &Pattern{kind: kind, text: text, behavior: behavior, replace: replace}
	switch kind {
	case "Exact", "Prefix", "Suffix":
		if text == "" {
			return nil, fmt.Errorf("a pattern of type %s needs a Pattern String", kind)
		}
		return p, nil
	case "Regex":
		if _, err := regexp.Compile(text); err != nil { // before it is wrapped, so that the error shows what was typed
			return nil, fmt.Errorf("pattern is no regular expression: %w", err)
		}
		re, err := regexp.Compile(`(?i)^(?:` + text + `)$`)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", text, err)
		}
		p.regex, p.replace = re, groups(replace)
		return p, nil
	}
	return nil, fmt.Errorf("pattern type %q is none of Exact, Prefix, Suffix, Regex", kind)
}

// groups turns \1 into the form that package regexp expands.
func groups(replace string) string {
	var b strings.Builder
	for i := 0; i < len(replace); i++ {
		switch c := replace[i]; {
		case c == '$':
			b.WriteString("$$")
		case c == '\\' && i+1 < len(replace) && replace[i+1] >= '0' && replace[i+1] <= '9':
			i++
			b.WriteString("${" + replace[i:i+1] + "}")
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// Apply returns what the alias becomes, and whether it matches at all. An alias
// of which nothing would be left stays as it is.
func (p *Pattern) Apply(alias string) (string, bool) {
	before, after, ok := p.match(alias)
	if !ok {
		return "", false
	}
	out := alias
	switch p.behavior {
	case "Strip":
		out = before + after
	case "Replace":
		out = before + p.replacement(alias) + after
	case "AddPrefix":
		out = p.replace + alias
	case "AddSuffix":
		out = alias + p.replace
	}
	if out == "" {
		return alias, true
	}
	return out, true
}

// String writes the pattern for logs and comparison.
func (p *Pattern) String() string {
	if p == nil {
		return ""
	}
	return fmt.Sprintf("%s %q %s %q", p.kind, p.text, p.behavior, p.replace)
}

// match returns what lies before and after the part that matches.
func (p *Pattern) match(alias string) (before, after string, ok bool) {
	n := len(p.text)
	switch p.kind {
	case "Exact":
		return "", "", strings.EqualFold(alias, p.text)
	case "Prefix":
		if len(alias) < n || !strings.EqualFold(alias[:n], p.text) {
			return "", "", false
		}
		return "", alias[n:], true
	case "Suffix":
		if len(alias) < n || !strings.EqualFold(alias[len(alias)-n:], p.text) {
			return "", "", false
		}
		return alias[:len(alias)-n], "", true
	}
	return "", "", p.regex.MatchString(alias)
}

func (p *Pattern) replacement(alias string) string {
	if p.regex == nil {
		return p.replace
	}
	return string(p.regex.ExpandString(nil, p.replace, alias, p.regex.FindStringSubmatchIndex(alias)))
}
