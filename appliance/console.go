package appliance

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

// Socket is where the node of a data directory serves its local shell. Only
// the user that the node runs as may open it: whoever can stands at the
// machine already.
func Socket(dir string) string { return filepath.Join(dir, "shell.sock") }

// exitMark stands before the exit code that ends a local session's output.
const exitMark = "\x00exit "

// console serves the local shell until ctx ends.
func (n *Node) console(ctx context.Context) error {
	path := Socket(n.cfg.Dir)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("local shell: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return fmt.Errorf("local shell: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { l.Close() })
	defer stop()
	var sessions sync.WaitGroup
	defer sessions.Wait()
	for {
		c, err := l.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("local shell: %w", err)
		}
		sessions.Go(func() { n.serveConsole(ctx, c) })
	}
}

func (n *Node) serveConsole(ctx context.Context, c net.Conn) {
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	s := n.Console("console")
	in := bufio.NewReader(c)
	exit := 1
	if width, height, terminal, err := greeting(in); err == nil && terminal {
		s.SetSize(width, height)
		exit = s.Interact(ctx, struct {
			io.Reader
			io.Writer
		}{in, c})
	} else {
		exit = s.Script(ctx, in, c)
	}
	fmt.Fprintf(c, "%s%d\n", exitMark, exit)
	c.Close()
	s.Close()
}

// terminalMark begins the first line of a caller that is a terminal; its size
// follows. No line of a script begins so.
const terminalMark = "\x00terminal "

// greeting reads what a caller says of itself: nothing, or that it is a
// terminal.
func greeting(in *bufio.Reader) (width, height int, terminal bool, err error) {
	first, err := in.Peek(1)
	if err != nil || first[0] != terminalMark[0] {
		return 0, 0, false, err
	}
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, 0, false, err
	}
	_, err = fmt.Sscanf(string(line), terminalMark+"%d %d\n", &width, &height)
	return width, height, err == nil, err
}

// AttachTerminal joins a terminal in raw mode to the local shell of a running
// node, until the session is left. A read of rw may still wait when it returns.
func AttachTerminal(socket string, rw io.ReadWriter, width, height int) error {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return fmt.Errorf("no node runs there: %w", err)
	}
	defer c.Close()
	if _, err := fmt.Fprintf(c, "%s%d %d\n", terminalMark, width, height); err != nil {
		return err
	}
	go func() { // ends with the input or with the session
		io.Copy(c, rw)
		c.(*net.UnixConn).CloseWrite()
	}()
	_, err = relay(rw, c)
	return err
}

// Attach joins a terminal to the local shell of a running node. With a line it
// runs that one; without, all that is read until the end. It returns the exit
// code of the last line that failed.
func Attach(socket string, rw io.ReadWriter, line string) (exit int, err error) {
	c, err := net.Dial("unix", socket)
	if err != nil {
		return 0, fmt.Errorf("no node runs there: %w", err)
	}
	defer c.Close()
	go func() { // ends with the input; what is left of it at our end is nobody's
		if line != "" {
			io.WriteString(c, line+"\n")
		} else {
			io.Copy(c, rw)
		}
		c.(*net.UnixConn).CloseWrite()
	}()
	return relay(rw, c)
}

// relay copies a session's output up to its exit code.
func relay(w io.Writer, r io.Reader) (exit int, err error) {
	buf := make([]byte, 4096)
	var tail string
	for {
		n, err := r.Read(buf)
		tail += string(buf[:n])
		if text, code, ok := strings.Cut(tail, exitMark); ok && strings.HasSuffix(code, "\n") {
			io.WriteString(w, text)
			return strconv.Atoi(strings.TrimSpace(code))
		}
		text, mark := tail, ""
		if i := strings.IndexByte(tail, exitMark[0]); i >= 0 {
			text, mark = tail[:i], tail[i:]
		}
		io.WriteString(w, text)
		tail = mark
		if err != nil {
			return 1, nil
		}
	}
}
