package sshd

import (
	"bytes"
	"io"
	"strings"
	"time"

	gossh "golang.org/x/crypto/ssh"
)

// start takes the session's one program.
func (x *session) start(program func() int) bool {
	if x.started {
		return false
	}
	x.started, x.program = true, program
	return true
}

// launch runs a program that was just started beside the request loop.
func (x *session) launch() {
	program := x.program
	if program == nil {
		return
	}
	x.program = nil
	x.work.Go(func() {
		exit := 1
		defer func() { x.part(exit) }()
		defer x.contain("session of " + x.id.user)
		exit = program()
	})
}

// part tells the exit status and closes. A client that does not answer the
// close loses the whole connection, since only that ends the request loop.
func (x *session) part(exit int) {
	status := struct{ Status uint32 }{uint32(exit)}
	x.ch.SendRequest("exit-status", false, gossh.Marshal(&status))
	x.ch.Close()
	x.partLater()
}

// partLater cuts the connection unless the request loop has ended by then.
func (x *session) partLater() {
	x.work.Go(func() {
		t := time.NewTimer(partTime)
		defer t.Stop()
		select {
		case <-x.gone:
		case <-t.C:
			x.c.Close()
		}
	})
}

func (x *session) runShell() int {
	in, out := x.in(), x.out(false)
	if !x.pty {
		return x.shell.Script(x.ctx, in, out)
	}
	return x.shell.Interact(x.ctx, struct {
		io.Reader
		io.Writer
	}{in, out})
}

// runLine runs one command. On a terminal its input is only watched for Ctrl-C;
// without one it is the command's to read.
func (x *session) runLine(line string) int {
	in, out := x.in(), x.out(true)
	if x.pty {
		keys := in
		x.work.Go(func() { x.watchKeys(keys) })
		in, out = strings.NewReader(""), newlines{out}
	}
	return x.shell.Once(x.ctx, line, in, out)
}

func (x *session) watchKeys(in io.Reader) {
	b := make([]byte, 256)
	for {
		n, err := in.Read(b)
		if bytes.IndexByte(b[:n], ctrlC) >= 0 {
			x.shell.Interrupt()
		}
		if err != nil {
			return
		}
	}
}

const ctrlC = 3

func (x *session) runFiles() int {
	x.log.Info("sftp session", "user", x.id.user, "from", x.c.from)
	return x.files.serve(struct {
		io.Reader
		io.Writer
		io.Closer
	}{x.in(), x.out(true), x.ch}, x.ch.Stderr(), func(did, name string) {
		x.log.Info("sftp", "did", did, "file", name, "user", x.id.user, "from", x.c.from)
	})
}

func (x *session) in() io.Reader {
	return readFunc(func(b []byte) (int, error) {
		n, err := x.ch.Read(b)
		x.alive()
		return n, err
	})
}

// out counts as activity only where nobody sits at a keyboard: output must not
// keep a forgotten terminal open.
func (x *session) out(counts bool) io.Writer {
	return writeFunc(func(b []byte) (int, error) {
		n, err := x.ch.Write(b)
		if counts {
			x.alive()
		}
		return n, err
	})
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(b []byte) (int, error) { return f(b) }

type writeFunc func([]byte) (int, error)

func (f writeFunc) Write(b []byte) (int, error) { return f(b) }

// newlines is what a terminal in raw mode needs of plain text.
type newlines struct{ io.Writer }

func (w newlines) Write(b []byte) (int, error) {
	if _, err := w.Writer.Write(bytes.ReplaceAll(b, []byte("\n"), []byte("\r\n"))); err != nil {
		return 0, err
	}
	return len(b), nil
}
