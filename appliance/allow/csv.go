package allow

import (
	"bytes"
	"encoding/csv"
	"errors"
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

// columns is the header of a rules file, in this order.
func columns() []string {
	return []string{"Url", "Deployment", "HttpMethods", "MatchType", "Description"}
}

// maxCSVRules bounds one file.
const maxCSVRules = 10_000

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
	for len(rules) < maxCSVRules {
		fields, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rules, errors.Join(errs...)
		}
		line, _ := r.FieldPos(0)
		if err == nil {
			var rule CSVRule
			if rule, err = parseLine(trimmed(fields)); err == nil {
				rules = append(rules, rule)
				continue
			}
		} else {
			var p *csv.ParseError
			if errors.As(err, &p) {
				line, err = p.Line, p.Err
			}
		}
		if errs = append(errs, fmt.Errorf("line %d: %w", line, err)); len(errs) > 100 {
			break
		}
	}
	return nil, errors.Join(append(errs, fmt.Errorf("the file has more than %d rules or too many errors", maxCSVRules))...)
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
	if len(c.Description) > 128 {
		return Rule{}, fmt.Errorf("description is longer than 128 characters")
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

// WriteRules writes a rules file.
func WriteRules(w io.Writer, rules []CSVRule) error {
	c := csv.NewWriter(w)
	c.Write(columns())
	for _, r := range rules {
		c.Write([]string{r.URL, r.Deployment, strings.Join(r.Methods, ","), r.Match, r.Description})
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
