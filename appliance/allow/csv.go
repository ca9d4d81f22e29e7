package allow

import (
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CSVRule is one line of a rules file, its words checked but kept as typed.
type CSVRule struct {
	URL, Deployment string
	Methods         []string
	Match           string // "" where the file leaves it open: prefix
	Description     string
}

// columns is the header of a rules file, in this order.
func columns() []string {
	return []string{"Url", "Deployment", "HttpMethods", "MatchType", "Description"}
}

// maxCSVRules and maxCSVErrors bound one file and what is said of it.
const (
	maxCSVRules  = 10_000
	maxCSVErrors = 100
)

// ParseRules reads a rules file. Every bad line is in the error by its number;
// nothing is to be applied then.
func ParseRules(text []byte) ([]CSVRule, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil || !slices.Equal(trimmed(header), columns()) {
		return nil, fmt.Errorf("line 1: the header must be %s", strings.Join(columns(), ","))
	}
	var rules []CSVRule
	var errs []error
	for {
		rule, err := nextRule(r)
		switch {
		case errors.Is(err, io.EOF):
			if len(errs) > 0 {
				return nil, errors.Join(errs...)
			}
			return rules, nil
		case err != nil:
			errs = append(errs, err)
		default:
			rules = append(rules, rule)
		}
		if len(rules) > maxCSVRules || len(errs) > maxCSVErrors {
			return nil, errors.Join(append(errs, fmt.Errorf("the file has more than %d rules or %d errors", maxCSVRules, maxCSVErrors))...)
		}
	}
}

// nextRule reads one line; its error names the line. io.EOF ends the file.
func nextRule(r *csv.Reader) (CSVRule, error) {
	fields, err := r.Read()
	var bad *csv.ParseError
	switch {
	case errors.As(err, &bad):
		return CSVRule{}, fmt.Errorf("line %d: %w", bad.Line, bad.Err)
	case err != nil:
		return CSVRule{}, err
	}
	rule, err := parseLine(trimmed(fields))
	if err != nil {
		line, _ := r.FieldPos(0)
		return CSVRule{}, fmt.Errorf("line %d: %w", line, err)
	}
	return rule, nil
}

// parseLine takes the five columns. Files in the field carry a sixth, empty
// one before the description.
func parseLine(f []string) (CSVRule, error) {
	if len(f) == 6 && f[4] == "" {
		f = append(f[:4:4], f[5])
	}
	if len(f) > 5 || len(f) < 1 {
		return CSVRule{}, fmt.Errorf("%d fields, want 5", len(f))
	}
	f = append(f, "", "", "", "")[:5]
	rule := CSVRule{URL: f[0], Deployment: f[1], Methods: Methods(f[2]), Match: strings.ToLower(f[3]), Description: f[4]}
	if rule.Match == "" {
		rule.Match = "prefix"
	}
	_, err := rule.Rule()
	return rule, err
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
	if utf8.RuneCountInString(c.Description) > 128 {
		return Rule{}, errors.New("description is longer than 128 characters")
	}
	if strings.ContainsFunc(c.Description+c.Deployment, unicode.IsControl) {
		return Rule{}, errors.New("deployment and description are one line of text each")
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
	c := csv.NewWriter(w)
	c.Write(columns())
	for _, r := range rules {
		match := cmp.Or(r.Match, Exact.String())
		c.Write([]string{r.URL, r.Deployment, strings.Join(r.Methods, ","), match, r.Description})
	}
	c.Flush()
	return c.Error()
}

func trimmed(fields []string) []string {
	for i := range fields {
		fields[i] = strings.TrimSpace(fields[i])
	}
	return fields
}
