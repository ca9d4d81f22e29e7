package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// counter is a node whose lines count up.
type counter struct{ n int }

func (c *counter) Exec(_ context.Context, line string, out io.Writer) int {
	c.n++
	switch line {
	case "fail":
		fmt.Fprintln(out, "ERROR")
		return 1
	case "silent":
		return 0
	}
	fmt.Fprintf(out, "%s %d\n\nOK\n", line, c.n)
	return 0
}

func engine() *Engine {
	return &Engine{
		Nodes: map[string]Execer{"edge": &counter{}},
		Verbs: map[string]Verb{
			"phone": func(_ context.Context, s *Script, args []string) (string, error) {
				if len(args) > 0 && args[0] == "broken" {
					return "no answer\n", errors.New("broken")
				}
				return strings.Join(args, "|") + "\n" + string(s.Files["note"]), nil
			},
		},
		Within: 2 * time.Second, Every: time.Millisecond,
	}
}

func TestStories(t *testing.T) {
	tests := []struct {
		name, text string
		err        string // part of the error; empty: the story fits
	}{
		{"literal", "edge> hello\nhello 1\n\nOK\n", ""},
		{"without an answer only the exit counts", "edge> hello\n# next\nedge> hello\n", ""},
		{"wrong answer", "edge> hello\nhello 2\n\nOK\n", "want:"},
		{"too short", "edge> hello\nhello 1\n", "want:"},
		{"placeholders", "edge> hello\nhe<*> <number>\n...\nOK\n", ""},
		{"a name keeps its text", "edge> a\na <n=[0-9]+>\n...\nedge> a\na <n=[0-9]+>\n...\n", "want:"},
		{"names within one answer", "phone <x> x x\n<w=[a-z<>]*>\n", "want:"},
		{"retry", "* edge> hello\nhello 7\n\nOK\n", ""},
		{"retry ends", "* edge> hello\nnever\n", "not within"},
		{"must fail", "! edge> fail\nERROR\n", ""},
		{"fails unasked", "edge> fail\n", "exit 1"},
		{"must fail, but does not", "! edge> hello\n", "went well"},
		{"verb with quotes and file", "phone alice \"call bob\"\nalice|call bob\nx\n\n-- note --\nx\n", ""},
		{"verb fails", "phone broken\n", "broken"},
		{"bar", "phone \"edge> y\"\n|edge> y\n", ""},
		{"neither step nor answer", "nothing\n", "is no step"},
		{"not a node", "moon> x\n", "is no step"},
	}
	for _, test := range tests {
		_, err := engine().Run(t.Context(), test.name, []byte(test.text))
		if (err == nil) != (test.err == "") || err != nil && !strings.Contains(err.Error(), test.err) {
			t.Errorf("%s: got %v, want an error with %q", test.name, err, test.err)
		}
	}
}

func TestUpdate(t *testing.T) {
	text := "# a story\n\nedge> hello\nold\n\nedge> hello\nhello <number>\n...\nphone \"edge> y\"\nold\n-- note --\nx\n"
	want := "# a story\n\nedge> hello\nhello 1\n\nOK\n\nedge> hello\nhello <number>\n...\n\nphone \"edge> y\"\n|edge> y\nx\n-- note --\nx\n"
	got, err := engine().Run(t.Context(), "update", []byte(text))
	if err == nil || string(got) != want {
		t.Errorf("%v, got:\n%s\nwant:\n%s", err, got, want)
	}
	if again, err := engine().Run(t.Context(), "again", got); err != nil || string(again) != want {
		t.Errorf("the updated story does not stand: %v\n%s", err, again)
	}
	file := filepath.Join(t.TempDir(), "story.txtar")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	engine().File(t, file, true)
	engine().File(t, file, false)
}

// FuzzStory tells any story: it must not panic, and what it rewrites must fit.
func FuzzStory(f *testing.F) {
	f.Add("edge> hello\nhello <number>\n...\n")
	f.Add("* ! edge> fail\n|...\n-- a --\n")
	f.Add("phone a\n<a=b>\n")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "-- --") {
			return // the archive's parser does not take a file without a name
		}
		e := engine()
		e.Within = time.Millisecond
		got, err := e.Run(t.Context(), "fuzz", []byte(text))
		if err != nil && strings.Contains(err.Error(), "is no step") && string(got) != text {
			t.Fatalf("a story that was not understood was rewritten:\n%s", got)
		}
	})
}
