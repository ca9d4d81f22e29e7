package story

import (
	"bytes"
	"fmt"
	"strings"
)

// step is one step of a script, or text between steps (line is empty).
type step struct {
	number int      // line in the script, from 1
	head   string   // as written
	node   string   // whose shell; empty: a verb
	line   string   // for the shell, or the verb with its arguments
	retry  bool     // "* "
	fails  bool     // "! "
	want   []string // the answer as written; none: only the exit counts
	got    string
	fits   bool
}

// parse reads a script.
func (e *Engine) parse(text string) (steps []step, err error) {
	for i, line := range lines(text) {
		st, ok := e.head(line)
		switch {
		case ok:
			st.number = i + 1
			steps = append(steps, st)
		case len(steps) > 0 && steps[len(steps)-1].line != "":
			last := &steps[len(steps)-1]
			last.want = append(last.want, line)
		case strings.TrimSpace(line) == "":
			steps = append(steps, step{number: i + 1, head: line})
		default:
			return nil, fmt.Errorf("line %d: %q is no step, and there is none above it", i+1, line)
		}
	}
	for i := range steps {
		steps[i].trim()
	}
	return steps, nil
}

// trim takes blank lines off the end of an answer: they only part the steps.
func (st *step) trim() {
	for n := len(st.want); n > 0 && strings.TrimSpace(st.want[n-1]) == ""; n-- {
		st.want = st.want[:n-1]
	}
}

// head reads the line that begins a step.
func (e *Engine) head(line string) (st step, ok bool) {
	st.head = line
	if strings.HasPrefix(line, "#") {
		return st, true
	}
	rest := line
	for {
		switch {
		case strings.HasPrefix(rest, "* "):
			st.retry, rest = true, rest[2:]
			continue
		case strings.HasPrefix(rest, "! "):
			st.fails, rest = true, rest[2:]
			continue
		}
		break
	}
	if node, cmd, found := strings.Cut(rest, "> "); found && e.Nodes[node] != nil {
		st.node, st.line = node, cmd
		return st, true
	}
	verb, _, _ := strings.Cut(rest, " ")
	if e.Verbs[verb] != nil {
		st.line = rest
		return st, true
	}
	return st, false
}

// print writes the script with the answers that came where the written ones do
// not fit.
func print(steps []step, e *Engine) []byte {
	var b bytes.Buffer
	for i, st := range steps {
		b.WriteString(st.head + "\n")
		want := st.want
		if st.line != "" && len(want) > 0 && !st.fits {
			want = e.escape(lines(st.got))
		}
		for _, line := range want {
			b.WriteString(line + "\n")
		}
		if st.line != "" && i+1 < len(steps) {
			b.WriteString("\n")
		}
	}
	return b.Bytes()
}

// escape marks the lines of an answer that parse would not leave alone.
func (e *Engine) escape(got []string) []string {
	out := make([]string, len(got))
	for i, line := range got {
		_, step := e.head(line)
		if step || strings.HasPrefix(line, "|") || line == "..." || strings.HasPrefix(line, "-- ") ||
			i == len(got)-1 && strings.TrimSpace(line) == "" {
			line = "|" + line
		}
		out[i] = line
	}
	return out
}
