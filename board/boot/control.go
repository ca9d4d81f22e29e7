package boot

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"
)

// Where the first process and its children listen. Only a superuser may open
// control; the node may write to notify, and asks the steward.
const (
	RunDir        = "/run/sallyport"
	ControlSocket = RunDir + "/control"
	NotifySocket  = RunDir + "/notify"
	StewardSocket = RunDir + "/steward"
)

// Status is what the first process tells a console.
type Status struct {
	Version     string
	Development bool
	Board       string
	Slot        string
	Recovery    bool   // the recovery entry was started
	Role        string // empty: nobody has chosen one
	Node        string // "ready", "starting", "stopped: why"
	Ready       bool
	Blessed     bool
	Trouble     string // what keeps the node from starting, such as a damaged disk
	Data        string // the data partition's device
	Boot        string // the boot partition's device
	Mounted     bool   // data is mounted
	Watchdog    string
	Uptime      time.Duration
}

// Data is where the data partition is mounted, and what lies on it.
const (
	DataDir   = "/data"
	NodeDir   = DataDir + "/node"
	RoleFile  = DataDir + "/role"
	FirstFile = NodeDir + "/first.txt"
	ClockFile = DataDir + "/clock"

	CounterFile = DataDir + "/counter" // the greatest release that was ever blessed here
)

// Ask sends one line to the first process and returns its answer.
func Ask(line string) (string, error) { return ask(ControlSocket, line) }

func ask(socket, line string) (string, error) {
	c, err := net.DialTimeout("unix", socket, 5*time.Second)
	if err != nil {
		return "", err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(2 * time.Minute))
	fmt.Fprintln(c, line)
	b, err := io.ReadAll(io.LimitReader(c, 1<<20))
	if err != nil {
		return "", err
	}
	first, rest, _ := strings.Cut(string(b), "\n")
	if first != "ok" {
		return "", errors.New(strings.TrimPrefix(first, "error: "))
	}
	return rest, nil
}

// AskStatus reads the machine's state.
func AskStatus() (Status, error) {
	var s Status
	text, err := Ask("status")
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// request is one line of a console, answered by the first process's loop.
type request struct {
	words []string
	reply chan<- answer
}

type answer struct {
	text string
	err  error
}

// serveControl takes lines until the listener is closed.
func serveControl(socket string, requests chan<- request) error {
	os.Remove(socket)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		l.Close()
		return err
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go serveOne(c, requests)
		}
	}()
	return nil
}

func serveOne(c net.Conn, requests chan<- request) {
	defer c.Close()
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(io.LimitReader(c, 4096)).ReadString('\n')
	words := strings.Fields(line)
	if err != nil || len(words) == 0 {
		return
	}
	reply := make(chan answer, 1)
	requests <- request{words, reply}
	a := <-reply
	if a.err != nil {
		fmt.Fprintf(c, "error: %s\n", strings.ReplaceAll(a.err.Error(), "\n", "; "))
		return
	}
	fmt.Fprintf(c, "ok\n%s", a.text)
}

// serveNotify takes what the node says about itself, in the form that service
// managers use: "READY=1", "WATCHDOG=1", "STATUS=text", one a line.
func serveNotify(socket string, user int, said chan<- string) error {
	os.Remove(socket)
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	if err := errors.Join(os.Chmod(socket, 0o600), os.Chown(socket, user, user)); err != nil {
		c.Close()
		return err
	}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			for line := range strings.Lines(string(buf[:n])) {
				said <- strings.TrimSpace(line)
			}
		}
	}()
	return nil
}
