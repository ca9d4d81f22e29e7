package main

import (
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"sallyport/appliance"
	"sallyport/board/boot"
	"sallyport/board/console"
)

// openConsole is one session at a terminal of the machine. The terminal is
// standard input and output.
func openConsole() error {
	signal.Ignore(syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTSTP, syscall.SIGTTOU, syscall.SIGTTIN)
	t := console.NewTerminal(os.Stdin, os.Stdout)
	c := &console.Console{
		Terminal: t, Machine: firstProcess{}, Rescue: rescue{}, Addresses: addresses,
		Now: time.Now, Wait: time.Sleep,
		Shell: func() error {
			return t.Raw(func(rw io.ReadWriter, width, height int) error {
				return appliance.AttachTerminal(appliance.Socket(boot.NodeDir), rw, width, height)
			})
		},
	}
	return c.Run()
}

// firstProcess is process 1, as a console asks it.
type firstProcess struct{}

func (firstProcess) Status() (boot.Status, error)    { return boot.AskStatus() }
func (firstProcess) Ask(line string) (string, error) { return boot.Ask(line) }

// addresses are those by which the machine may be reached.
func addresses() []string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var out []string
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.IsGlobalUnicast() {
			out = append(out, n.IP.String())
		}
	}
	return out
}
