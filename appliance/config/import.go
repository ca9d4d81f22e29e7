package config

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"sallyport/appliance/xapi"
)

// ImportMode says what Import does with lines that cannot be taken.
type ImportMode uint8

const (
	// AllOrNothing applies the import only if no line is refused.
	AllOrNothing ImportMode = iota
	// GoodLines applies what can be taken and leaves the rest out.
	GoodLines
	// DryRun applies nothing and only reports, as GoodLines would.
	DryRun
)

// Verdict is what became of a line.
type Verdict uint8

const (
	Quiet     Verdict = iota // blank line, comment or marker
	Taken                    // sets a value
	Same                     // the value is already so
	NotNeeded                // a path of the replaced product that we lack; Why says why
	NotHere                  // a setting of the other role
	Foreign                  // a password that another box sealed: it must be typed anew
	Refused                  // cannot be taken; Why says why
)

// String names the verdict as the report prints it.
func (v Verdict) String() string {
	return [...]string{"quiet", "taken", "same", "not needed", "not here", "foreign secret", "refused"}[v]
}

// ReportLine is the verdict on one line.
type ReportLine struct {
	Number  int // from 1
	Path    string
	Verdict Verdict
	Why     string
}

// Report is the verdict on every line, and what was committed.
type Report struct {
	Lines  []ReportLine
	Commit *Commit // nil if nothing was applied
	Error  error   // what the checks find wrong with the whole: then nothing was applied
}

// Count returns how many lines got the verdict.
func (r *Report) Count(v Verdict) int {
	n := 0
	for _, l := range r.Lines {
		if l.Verdict == v {
			n++
		}
	}
	return n
}

// maxImport bounds an import; the largest table has a few hundred thousand cells.
const maxImport = 64 << 20

// errHold ends an edit whose changes shall not be committed.
var errHold = errors.New("held back")

// Import reads lines as Export writes them, or as the replaced product dumps
// them, and commits them as one revision. Lines of paths that we lack, of the
// other role, and passwords sealed elsewhere do not count as refused: a dump of
// the replaced product is full of them. What is not named keeps its value. The
// error is one of reading or of the store; what is wrong with lines is in the
// report.
func (s *Store) Import(r io.Reader, who Who, mode ImportMode) (*Report, error) {
	lines, err := readLines(r)
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	rep := &Report{}
	rep.Commit, err = s.Edit(who, func(e *Edit) error {
		e.Note("import")
		for i, text := range lines {
			rep.Lines = append(rep.Lines, e.importLine(i+1, text))
		}
		if mode == AllOrNothing && rep.Count(Refused) > 0 {
			return errHold
		}
		if mode == DryRun {
			return cmp.Or(s.check(s.Snapshot(), e.next), errHold)
		}
		return nil
	})
	if errors.Is(err, errHold) {
		return rep, nil
	}
	if faults := new(CheckError); errors.As(err, &faults) {
		rep.Error = faults
		return rep, nil
	}
	return rep, err
}

func readLines(r io.Reader) ([]string, error) {
	var lines []string
	sc := bufio.NewScanner(io.LimitReader(r, maxImport))
	sc.Buffer(nil, maxLine)
	for sc.Scan() {
		lines = append(lines, sc.Text())
	}
	if errors.Is(sc.Err(), bufio.ErrTooLong) {
		return nil, fmt.Errorf("line %d is longer than %d bytes", len(lines)+1, maxLine)
	}
	return lines, sc.Err()
}

func (e *Edit) importLine(n int, text string) ReportLine {
	text = strings.TrimSpace(strings.TrimPrefix(text, "\uFEFF"))
	if quiet(text) {
		return ReportLine{Number: n}
	}
	path, ok := setting(text)
	if !ok {
		return ReportLine{n, firstWord(text), Refused, "only xConfiguration lines can be imported"}
	}
	l, err := parseLine(e.next.table.mine, path)
	if err != nil {
		return e.next.table.explain(n, path, err)
	}
	out := ReportLine{Number: n, Path: l.place.String()}
	touched := len(e.before)
	err = e.SetPlace(l.place, l.value)
	switch foreign := new(ForeignSecretError); {
	case errors.As(err, &foreign):
		out.Verdict, out.Why = Foreign, "sealed by another box; type this password anew"
	case err != nil:
		out.Verdict, out.Why = Refused, err.Error()
	case len(e.before) == touched:
		out.Verdict = Same
	default:
		out.Verdict = Taken
	}
	return out
}

// explain says of a line that no row of this role takes whether the other role
// or the replaced product has it.
func (t *table) explain(n int, path string, err error) ReportLine {
	if l, _ := parseLine(t.mine, path); l.place.Item != nil {
		return ReportLine{n, l.place.String(), Refused, err.Error()}
	}
	if l, e := parseLine(t.all, path); e == nil && l.place.Item != nil {
		why := "this is a setting of " + l.place.Item.Role.String()
		if l.place.Item.Role != xapi.Both {
			return ReportLine{n, l.place.String(), NotHere, why}
		}
	}
	if l, e := parseLine(t.lost(), path); (e == nil || errors.Is(e, errNoValue)) && l.place.Item != nil {
		return ReportLine{n, l.place.String(), NotNeeded, l.place.Item.Help}
	}
	return ReportLine{n, firstWord(path), Refused, err.Error()}
}

// firstWord is as much of a line as is safe to print: what follows may be a
// password.
func firstWord(text string) string {
	word, _ := nextWord(text)
	return word
}
