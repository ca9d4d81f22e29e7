package main

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	"golang.org/x/crypto/ssh"

	"sallyport/appliance/xapi"
	"sallyport/test/pair"
)

// shell logs in to both nodes over SSH and asks what zones they see, and that no
// alarm stands for what the round before it has brought and taken away.
func (r *round) shell(ctx context.Context) (string, error) {
	var told []string
	for name, host := range map[string]string{"edge": r.pair.EdgeInner(), "core": r.pair.CoreAddr()} {
		out, err := r.ask(ctx, host, "xStatus Zones")
		if err != nil {
			return name + ":", err
		}
		if !strings.Contains(out, "Status: Active") || !strings.HasSuffix(strings.TrimSpace(out), "OK") {
			return name + ":", fmt.Errorf("xStatus Zones shows no active zone:\n%s", out)
		}
		alarms, err := r.ask(ctx, host, "xStatus Alarm")
		if err != nil {
			return name + ":", err
		}
		if strings.Contains(alarms, fmt.Sprintf("ID: %d\n", xapi.AlarmPeerDown.ID)) {
			return name + ":", fmt.Errorf("an alarm stands for a peer that the round has taken away:\n%s", alarms)
		}
		told = append(told, fmt.Sprintf("%s shows %d active", name, strings.Count(out, "\n    Status: Active")))
	}
	return "xStatus Zones over SSH: " + strings.Join(told, ", "), nil
}

// ask runs one line in a node's shell.
func (r *round) ask(ctx context.Context, host, line string) (string, error) {
	address := net.JoinHostPort(host, strconv.Itoa(pair.ShellPort))
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	conn, chans, reqs, err := ssh.NewClientConn(c, address, &ssh.ClientConfig{
		User: "admin", Auth: []ssh.AuthMethod{ssh.Password(r.pair.Password)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), // made a moment ago in this very process
	})
	if err != nil {
		return "", err
	}
	client := ssh.NewClient(conn, chans, reqs)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return "", err
	}
	defer session.Close()
	out, err := session.CombinedOutput(line)
	return string(out), err
}
