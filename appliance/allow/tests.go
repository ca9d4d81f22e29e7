package allow

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
)

// CSVTest is a question to the allow list with the answer that it should give,
// its words checked but kept as typed.
type CSVTest struct {
	URL, Deployment string
	Expected        string // "allow" or "block"
	Description     string
	Method          string // "" is GET
}

// testColumns is the header of a tests file, in this order.
func testColumns() []string {
	return []string{"Url", "ExpectedResult", "Deployment", "Description", "HttpMethod"}
}

// ParseTests reads a tests file.
func ParseTests(text []byte) File[CSVTest] { return parseFile(text, testColumns(), testLine) }

func testLine(f []string) (test CSVTest, note string, err error) {
	if f, err = fields(f, 5); err != nil {
		return test, "", err
	}
	test = CSVTest{
		URL: f[0], Expected: strings.ToLower(f[1]), Deployment: f[2], Description: f[3],
		Method: cmp.Or(strings.ToUpper(f[4]), "GET"),
	}
	_, err = test.Test()
	return test, "", err
}

// WriteTests writes a tests file.
func WriteTests(w io.Writer, tests []CSVTest) error {
	return writeFile(w, testColumns(), tests, func(t CSVTest) []string {
		return []string{t.URL, t.Expected, t.Deployment, t.Description, cmp.Or(t.Method, "GET")}
	})
}

// Test is a question that can be put to a list.
type Test struct {
	Method string
	Target Target
	Allow  bool // what is expected
}

// Test checks the words and makes the question of them. A query is passed
// over, as rules do.
func (c CSVTest) Test() (Test, error) {
	url, _, _ := strings.Cut(c.URL, "?")
	r, err := ParseURL(url)
	if err != nil {
		return Test{}, err
	}
	if c.Expected != "allow" && c.Expected != "block" {
		return Test{}, fmt.Errorf("expected result %q is neither allow nor block", c.Expected)
	}
	method := cmp.Or(c.Method, "GET")
	if !slices.Contains(KnownMethods(), method) {
		return Test{}, fmt.Errorf("method %q is not one of %s", method, strings.Join(KnownMethods(), ","))
	}
	if err := notes(c.Deployment, c.Description); err != nil {
		return Test{}, err
	}
	return Test{Method: method, Target: r.target(), Allow: c.Expected == "allow"}, nil
}

// target is what a request to the rule's very URL asks for.
func (r *Rule) target() Target {
	return Target{Scheme: r.Scheme, Host: r.Host, Port: r.Port, Path: r.Path}
}

// Ask is Match for a request that nobody has made: it counts no hit.
func (l *List) Ask(method string, t Target, deployment string) Decision {
	i, why := l.find(method, t, deployment)
	if i < 0 {
		return Decision{Why: why}
	}
	return Decision{Rule: &l.rules[i]}
}
