package shell

import (
	"bufio"
	"cmp"
	"io"
	"strings"
)

// lines reads a script by lines of at most maxLine bytes.
type lines struct{ r *bufio.Reader }

func newLines(r io.Reader) *lines { return &lines{bufio.NewReaderSize(r, maxLine)} }

// next returns the next line without its end. Of a line that is too long the
// start is returned, which lex then refuses by its length.
func (l *lines) next() (string, error) {
	text, err := l.r.ReadSlice('\n')
	line := strings.TrimRight(string(text), "\r\n")
	for err == bufio.ErrBufferFull {
		line = strings.Repeat(" ", maxLine) + "."
		_, err = l.r.ReadSlice('\n')
	}
	if err != nil && len(line) == 0 {
		return "", err
	}
	return line, nil
}

// untilDot reads what is pasted behind a line, up to a line that is a dot.
type untilDot struct {
	lines interface{ next() (string, error) }
}

func (u untilDot) reader() io.Reader { return &dotReader{u: u} }

type dotReader struct {
	u    untilDot
	rest string
	end  error // how it ended
}

func (d *dotReader) Read(p []byte) (int, error) {
	for d.rest == "" {
		if d.end != nil {
			return 0, d.end
		}
		line, err := d.u.lines.next()
		if err != nil || strings.TrimSpace(line) == "." {
			d.end = cmp.Or(err, io.EOF)
			continue
		}
		d.rest = line + "\n"
	}
	n := copy(p, d.rest)
	d.rest = d.rest[n:]
	return n, nil
}
