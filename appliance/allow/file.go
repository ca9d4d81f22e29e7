package allow

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCSVLines and maxCSVFaults bound one file and what is said of it.
const (
	maxCSVLines  = 10_000
	maxCSVFaults = 100
)

// File is what a CSV file holds. Where it has faults, its good lines are there
// all the same; whether to use them is the caller's choice.
type File[T any] struct {
	Lines  []Line[T]
	Faults []Fault  // by line
	Notes  []string // of lines that were taken although they are odd
	Broken error    // the file as a whole is none of this kind; no line counts
}

// Line is a good line.
type Line[T any] struct {
	Number int
	Value  T
}

// Fault is what is wrong with one line.
type Fault struct {
	Number int
	Err    error
}

func (f Fault) Error() string { return fmt.Sprintf("line %d: %v", f.Number, f.Err) }

// Unwrap gives the cause.
func (f Fault) Unwrap() error { return f.Err }

// Err joins all that is wrong, a line each.
func (f *File[T]) Err() error {
	errs := []error{f.Broken}
	for _, fault := range f.Faults {
		errs = append(errs, fault)
	}
	return errors.Join(errs...)
}

// parseFile reads a file with a header and hands the fields of each line,
// trimmed, to line.
func parseFile[T any](text []byte, columns []string, line func([]string) (v T, note string, err error)) (file File[T]) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil || !slices.Equal(trimmed(header), columns) {
		file.Broken = fmt.Errorf("line 1: the header must be %s", strings.Join(columns, ","))
		return file
	}
	for {
		fields, err := r.Read()
		var bad *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return file
		case errors.As(err, &bad):
			file.Faults = append(file.Faults, Fault{bad.Line, bad.Err})
		default:
			number, _ := r.FieldPos(0)
			file.take(number, trimmed(fields), line)
		}
		if len(file.Lines) > maxCSVLines || len(file.Faults) > maxCSVFaults {
			file.Lines, file.Broken = nil, fmt.Errorf("the file has more than %d lines or %d faults", maxCSVLines, maxCSVFaults)
			return file
		}
	}
}

func (f *File[T]) take(number int, fields []string, line func([]string) (T, string, error)) {
	v, note, err := line(fields)
	if err != nil {
		f.Faults = append(f.Faults, Fault{number, err})
		return
	}
	f.Lines = append(f.Lines, Line[T]{number, v})
	if note != "" && len(f.Notes) < maxCSVFaults {
		f.Notes = append(f.Notes, fmt.Sprintf("line %d: %s", number, note))
	}
}

// fields gives a line all its columns: those at its end may be left out.
func fields(f []string, n int) ([]string, error) {
	if len(f) > n {
		return nil, fmt.Errorf("%d fields, want %d", len(f), n)
	}
	return append(f, make([]string, n-len(f))...), nil
}

// notes checks the two texts that rules and tests share.
func notes(deployment, description string) error {
	if utf8.RuneCountInString(description) > 128 {
		return errors.New("description is longer than 128 characters")
	}
	if strings.ContainsFunc(description+deployment, unicode.IsControl) {
		return errors.New("deployment and description are one line of text each")
	}
	return nil
}

func writeFile[T any](w io.Writer, columns []string, all []T, fields func(T) []string) error {
	c := csv.NewWriter(w)
	_ = c.Write(columns) // errors stay for Error
	for _, v := range all {
		_ = c.Write(fields(v))
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
