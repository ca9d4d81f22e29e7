package shell

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"sallyport/appliance/xapi"
)

// Output rules, which hold for every line that the shell prints:
//
//   - Lines end with a single \n; the terminal makes \r\n of it. No colours, no
//     cursor tricks, no trailing blanks: output is read by scripts.
//   - A block opens with its letter and closes with the same letter and /end:
//     *s status, *r result, *h help and history, *e event. Two blanks a level.
//   - An element without content prints "/".
//   - *c lines stand alone, one for each value, the value always in quotes.
//     Without the "*c " they can be pasted back.
//   - In trees numbers and enumerated words print bare, all other text in quotes.
//   - The last line of an answer is OK or ERROR. Behind *c lines a blank line
//     precedes it, behind blocks none.
//   - Before ERROR stands what is wrong, in a sentence that names the word, what
//     may stand there, and what was probably meant.
//   - A secret prints as xapi.Mask, wherever it stands.
const (
	okLine    = "OK\n"
	errorLine = "ERROR\n"
)

// Exit codes of a line.
const (
	Done    = 0 // answered with OK
	Failed  = 1 // understood, but refused or gone wrong
	Misread = 2 // not understood
)

// printer keeps the first write error, so that a client that went away ends a
// long answer.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}

func (p *printer) value(path, text string) {
	p.printf("*c xConfiguration %s: %s\n", path, xapi.Quote(text))
}

// block prints one tree between *x and *x/end.
func (p *printer) block(letter byte, n *xapi.Node) {
	p.printf("*%c ", letter)
	p.node(n, 0)
	p.printf("*%c/end\n", letter)
}

func (p *printer) node(n *xapi.Node, level int) {
	if level > 0 {
		p.printf("%s", strings.Repeat("  ", level))
	}
	switch {
	case n.Empty():
		p.printf("%s: /\n", n.Label())
	case len(n.Children) == 0:
		p.printf("%s: %s\n", n.Label(), leaf(n))
	default:
		p.printf("%s:\n", n.Label())
		for _, c := range n.Children {
			p.node(c, level+1)
		}
	}
}

func leaf(n *xapi.Node) string {
	if n.Text {
		return xapi.Quote(printable(n.Value))
	}
	return printable(n.Value)
}

// printable keeps text from outside (a display name, a URL) from ending the line
// or steering the terminal.
func printable(text string) string {
	if strings.IndexFunc(text, unprintable) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune {
		if unprintable(r) {
			return '·'
		}
		return r
	}, text)
}

// result prints a command's answer.
func (p *printer) result(status string, n *xapi.Node) {
	head := &xapi.Node{Name: "Result (status=" + status + ")"}
	if n != nil {
		head.Children = n.Children
	}
	p.block('r', head)
}

// help prints one line of help: what may be written, and what it does. The value
// space stands as the tables print it; a parameter that must be given has (r).
func (p *printer) help(what, space, text string) {
	if space != "" {
		what += ": " + space
	}
	p.printf("*h %s\n", what)
	if text != "" {
		p.printf("    %s\n", xapi.Quote(text))
	}
}

// wrong prints what err says, a line for each of joined errors, and ERROR.
func (p *printer) wrong(err error) int {
	for _, e := range parts(err) {
		p.printf("%s\n", printable(e.Error()))
	}
	p.printf(errorLine)
	return exitOf(err)
}

// refused prints a command's error as a result block.
func (p *printer) refused(cause string, err error) int {
	n := xapi.NewNode("").Leaf("Cause", cause).Str("Description", strings.ReplaceAll(err.Error(), "\n", "; "))
	p.result("Error", n)
	p.printf(errorLine)
	return exitOf(err)
}

func exitOf(err error) int {
	var word *xapi.WordError
	var value *xapi.ValueError
	var line *lineError
	var usage usageError
	if errors.As(err, &word) || errors.As(err, &value) || errors.As(err, &line) || errors.As(err, &usage) {
		return Misread
	}
	return Failed
}

// usageError is a line whose words are known, but do not make a command.
type usageError string

func (e usageError) Error() string { return string(e) }

func parts(err error) []error {
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		return j.Unwrap()
	}
	return []error{err}
}
