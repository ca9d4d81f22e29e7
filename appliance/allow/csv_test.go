package allow

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

const header = "Url,Deployment,HttpMethods,MatchType,Description\n"

func TestParseRules(t *testing.T) {
	text := "\xef\xbb\xbf" + header +
		"https://a.example.com:8443/x,,\"GET,post\",exact,\"First, rule\"\n" +
		"http://b.example.com/y,lab,,,\n" +
		"\n" +
		"https://myserver1:8443/mypath1,lab,GET,,,\"Six columns\"\n" +
		"http://c\n" +
		" http://d/ , , , PREFIX , spaced \r\n" +
		"http://e/,,,,\"By a spreadsheet\",\n"
	file := ParseRules([]byte(text))
	var got []CSVRule
	var numbers []int
	for _, l := range file.Lines {
		got, numbers = append(got, l.Value), append(numbers, l.Number)
	}
	want := []CSVRule{
		{URL: "https://a.example.com:8443/x", Methods: []string{"GET", "POST"}, Match: "exact", Description: "First, rule"},
		{URL: "http://b.example.com/y", Deployment: "lab", Match: "prefix"},
		{URL: "https://myserver1:8443/mypath1", Deployment: "lab", Methods: []string{"GET"}, Match: "prefix", Description: "Six columns"},
		{URL: "http://c", Match: "prefix"},
		{URL: "http://d/", Match: "prefix", Description: "spaced"},
		{URL: "http://e/", Match: "prefix", Description: "By a spreadsheet"},
	}
	if file.Err() != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, file.Err(), want)
	}
	if !slices.Equal(numbers, []int{2, 3, 5, 6, 7, 8}) || len(file.Notes) != 2 || !strings.HasPrefix(file.Notes[0], "line 5: six columns") {
		t.Errorf("lines %v, notes %q", numbers, file.Notes)
	}
}

func TestBadLines(t *testing.T) {
	text := header +
		"http://good/,,,,\n" + // 2
		"ftp://a/,,,,\n" + // 3
		"a\"b,c\n" + // 4: the csv reader fails before its first field
		"http://a/,,TRACE,,\n" + // 5
		"http://a/,,,fuzzy,\n" + // 6
		"http://a/,,,,x,y\n" + // 7: six columns, the fifth not empty
		"http://a/,,,,\"two\nlines\"\n" + // 8 and 9
		"http://a/../b,,,,\n" + // 10
		"http://a/,,,," + strings.Repeat("d", 129) + "\n" + // 11
		"http://a/,,,,d,e,f\n" // 12
	file := ParseRules([]byte(text))
	if len(file.Lines) != 1 || file.Lines[0].Number != 2 || file.Err() == nil {
		t.Fatalf("got %+v", file)
	}
	lines := strings.Split(file.Err().Error(), "\n")
	for i, n := range []int{3, 4, 5, 6, 7, 8, 10, 11, 12} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], fmt.Sprintf("line %d: ", n)) {
			t.Fatalf("errors are %q, want line %d in place %d", lines, n, i)
		}
	}
}

func TestRulesFileBounds(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"no header":          {"http://a/,,,,\n", false},
		"empty":              {"", false},
		"header only":        {header, true},
		"header of tests":    {"Url,ExpectedResult,Deployment,Description,HttpMethod\n", false},
		"as many as allowed": {header + strings.Repeat("http://a/,,,,\n", maxCSVLines), true},
		"one more":           {header + strings.Repeat("http://a/,,,,\n", maxCSVLines+1), false},
		"nothing but errors": {header + strings.Repeat("x\n", 100_000), false},
	} {
		file := ParseRules([]byte(c.text))
		err := file.Err()
		if (err == nil) != c.ok || file.Broken != nil && file.Lines != nil {
			t.Errorf("%s: %d rules, %.80v", name, len(file.Lines), err)
		}
		if err != nil && strings.Count(err.Error(), "\n") > maxCSVFaults+1 {
			t.Errorf("%s: %d lines of errors", name, strings.Count(err.Error(), "\n"))
		}
	}
}

func TestWriteRulesNamesTheMatch(t *testing.T) {
	var b bytes.Buffer
	if err := WriteRules(&b, []CSVRule{{URL: "http://a/"}}); err != nil {
		t.Fatal(err)
	}
	back := ParseRules(b.Bytes())
	if back.Err() != nil || len(back.Lines) != 1 || back.Lines[0].Value.Match != "exact" {
		t.Errorf("a rule that the shell reads as exact comes back as %+v", back)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte(header + "https://a:8443/x,lab,\"GET,PUT\",exact,\"First, rule\"\nhttp://b,,,,\n"))
	f.Add([]byte(header + "https://a/x,lab,GET,,,\"Six\"\n"))
	f.Add([]byte(header + "a\"b,c\n\"\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		rules := values(ParseRules(text))
		var b bytes.Buffer
		if err := WriteRules(&b, rules); err != nil {
			t.Fatal(err)
		}
		back := ParseRules(b.Bytes())
		if again := values(back); back.Err() != nil || !reflect.DeepEqual(again, rules) {
			t.Fatalf("%q: %+v comes back as %+v, %v", text, rules, again, back.Err())
		}
		for _, r := range rules {
			if _, err := r.Rule(); err != nil {
				t.Fatalf("%+v was accepted: %v", r, err)
			}
		}
	})
}

func values[T any](f File[T]) (out []T) {
	for _, l := range f.Lines {
		out = append(out, l.Value)
	}
	return out
}
