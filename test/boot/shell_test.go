package boot

import (
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// dial comes in by SSH, as soon as the machine lets it.
func (m *vm) dial(key ssh.Signer) *ssh.Client {
	m.t.Helper()
	config := &ssh.ClientConfig{
		User: "admin", Auth: []ssh.AuthMethod{ssh.PublicKeys(key)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // the host is this process's child
		Timeout:         20 * time.Second,
	}
	late := time.After(patience())
	for {
		c, err := m.tryDial(config)
		if err == nil {
			m.t.Cleanup(func() { c.Close() })
			return c
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-m.done:
			m.t.Fatal("the machine ended while SSH was waited for")
		case <-late:
			m.t.Fatalf("no SSH after %v: %v", patience(), err)
		}
	}
}

func (m *vm) tryDial(config *ssh.ClientConfig) (*ssh.Client, error) {
	c, err := net.DialTimeout("tcp", m.ssh, config.Timeout)
	if err != nil {
		return nil, err
	}
	// QEMU takes the connection before the machine is there to answer it.
	if err := c.SetDeadline(time.Now().Add(config.Timeout)); err != nil {
		return nil, err
	}
	conn, chans, reqs, err := ssh.NewClientConn(c, m.ssh, config)
	if err != nil {
		c.Close()
		return nil, err
	}
	if err := c.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	return ssh.NewClient(conn, chans, reqs), nil
}

// ask runs one line of the shell by SSH; in is what the command reads.
func (m *vm) ask(c *ssh.Client, line string, in io.Reader) string {
	m.t.Helper()
	out, err := tryAsk(c, line, in)
	if err != nil {
		m.t.Fatalf("%s: %v\n%s", line, err, out)
	}
	return out
}

func tryAsk(c *ssh.Client, line string, in io.Reader) (string, error) {
	s, err := c.NewSession()
	if err != nil {
		return "", err
	}
	defer s.Close()
	s.Stdin = in
	out, err := s.CombinedOutput(line)
	var exit *ssh.ExitError
	if errors.As(err, &exit) && exit.ExitStatus() == 0 {
		err = nil
	}
	return string(out), err
}
