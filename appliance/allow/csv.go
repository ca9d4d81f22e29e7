package allow

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// CSVRule is one line of a rules file, its words checked but kept as typed.
type CSVRule struct {
	URL, Deployment string
	Methods         []string
	Match           string // "" where the file leaves it open: prefix
	Description     string
}

// ruleColumns is the header of a rules file, in this order.
func ruleColumns() []string {
	return []string{"Url", "Deployment", "HttpMethods", "MatchType", "Description"}
}

// ParseRules reads a rules file.
func ParseRules(text []byte) File[CSVRule] { return parseFile(text, ruleColumns(), ruleLine) }

// ruleLine takes the five columns. Files in the field carry a sixth, empty one,
// before the description or behind it, where spreadsheets end lines with a comma.
func ruleLine(f []string) (rule CSVRule, note string, err error) {
	switch {
	case len(f) == 6 && f[4] == "":
		f, note = append(f[:4:4], f[5]), "six columns; the fifth, which is empty, is passed over"
	case len(f) == 6 && f[5] == "":
		f, note = f[:5], "six columns; the last, which is empty, is passed over"
	}
	if f, err = fields(f, 5); err != nil {
		return rule, "", err
	}
	rule = CSVRule{URL: f[0], Deployment: f[1], Methods: Methods(f[2]), Match: strings.ToLower(f[3]), Description: f[4]}
	if rule.Match == "" {
		rule.Match = "prefix"
	}
	_, err = rule.Rule()
	return rule, note, err
}

// Rule checks the words and makes the rule of them; without a match type it is
// an exact one, as at the shell.
func (c CSVRule) Rule() (Rule, error) {
	r, err := ParseURL(c.URL)
	if err != nil {
		return Rule{}, err
	}
	if c.Match != "" {
		var ok bool
		if r.Match, ok = ParseMatch(c.Match); !ok {
			return Rule{}, fmt.Errorf("match type %q is neither exact nor prefix", c.Match)
		}
	}
	for _, m := range c.Methods {
		if !slices.Contains(KnownMethods(), m) {
			return Rule{}, fmt.Errorf("method %q is not one of %s", m, strings.Join(KnownMethods(), ","))
		}
	}
	if err := notes(c.Deployment, c.Description); err != nil {
		return Rule{}, err
	}
	r.Methods, r.Deployment, r.Description = c.Methods, c.Deployment, c.Description
	return r, nil
}

// KnownMethods are the methods that a rule may name.
func KnownMethods() []string {
	return []string{"OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE"}
}

// Methods reads a comma-separated list; "" is none.
func Methods(list string) []string {
	var out []string
	for _, m := range strings.Split(list, ",") {
		if m = strings.ToUpper(strings.TrimSpace(m)); m != "" {
			out = append(out, m)
		}
	}
	return out
}

// WriteRules writes a rules file. The match type is always written out: left
// open it means one thing in a file and another at the shell.
func WriteRules(w io.Writer, rules []CSVRule) error {
	return writeFile(w, ruleColumns(), rules, func(r CSVRule) []string {
		match := cmp.Or(r.Match, Exact.String())
		return []string{r.URL, r.Deployment, strings.Join(r.Methods, ","), match, r.Description}
	})
}
