package console

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Terminal is one screen or serial line. Lines are read as the kernel edits
// them; Raw hands every key on.
type Terminal struct {
	in, out *os.File
	lines   *bufio.Reader
	cooked  *unix.Termios
}

// NewTerminal takes a terminal in the kernel's own state and makes that fit for
// questions.
func NewTerminal(in, out *os.File) *Terminal {
	t := &Terminal{in: in, out: out, lines: bufio.NewReaderSize(in, 1024)}
	if s, err := unix.IoctlGetTermios(int(in.Fd()), unix.TCGETS); err == nil {
		s.Iflag |= unix.ICRNL
		s.Oflag |= unix.OPOST | unix.ONLCR
		s.Lflag |= unix.ICANON | unix.ECHO | unix.ECHOE | unix.ECHOK
		s.Lflag &^= unix.ISIG
		s.Cflag |= unix.CREAD | unix.CLOCAL
		t.cooked = s
		t.set(s)
	}
	return t
}

func (t *Terminal) set(s *unix.Termios) { unix.IoctlSetTermios(int(t.in.Fd()), unix.TCSETS, s) }

// Write prints.
func (t *Terminal) Write(b []byte) (int, error) { return t.out.Write(b) }

// Line asks and reads one line. What is no text in it is left out: serial lines
// carry noise.
func (t *Terminal) Line(prompt string) (string, error) {
	io.WriteString(t.out, prompt)
	line, err := t.lines.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = t.lines.ReadSlice('\n')
		}
		return "", err
	}
	return clean(string(line)), err
}

func clean(s string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\uFFFD' {
			return -1
		}
		return r
	}, s))
}

// Secret reads a line that is not shown.
func (t *Terminal) Secret(prompt string) (string, error) {
	if t.cooked != nil {
		hidden := *t.cooked
		hidden.Lflag &^= unix.ECHO
		t.set(&hidden)
		defer t.set(t.cooked)
	}
	line, err := t.Line(prompt)
	io.WriteString(t.out, "\n")
	return line, err
}

// Raw hands the keys on as they come until f ends.
func (t *Terminal) Raw(f func(rw io.ReadWriter, width, height int) error) error {
	if t.cooked != nil {
		raw := *t.cooked
		raw.Iflag &^= unix.ICRNL | unix.INLCR | unix.IGNCR | unix.IXON | unix.ISTRIP | unix.BRKINT | unix.PARMRK
		raw.Oflag &^= unix.OPOST
		raw.Lflag &^= unix.ICANON | unix.ECHO | unix.ECHONL | unix.ISIG | unix.IEXTEN
		raw.Cc[unix.VMIN], raw.Cc[unix.VTIME] = 1, 0
		t.set(&raw)
		defer t.set(t.cooked)
	}
	width, height := t.size()
	return f(struct {
		io.Reader
		io.Writer
	}{t.lines, t.out}, width, height)
}

// size is 80 by 24 where the terminal does not know: a serial line.
func (t *Terminal) size() (width, height int) {
	w, err := unix.IoctlGetWinsize(int(t.in.Fd()), unix.TIOCGWINSZ)
	if err != nil || w.Col == 0 || w.Row == 0 {
		return 80, 24
	}
	return int(w.Col), int(w.Row)
}
