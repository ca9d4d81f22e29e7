package main

import (
	"context"
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// discovery asks core what it learnt of the clusters, has it learn of presence,
// and tries to add a publisher with a wrong password.
func (r *round) discovery(ctx context.Context) (string, error) {
	if r.login == nil {
		return "", fmt.Errorf("no cluster was added")
	}
	w := r.pair.World
	home, subscriber := w.Home.Publisher().Host, w.Home.Subscriber().Host
	user, password := lab.AXLAccount()
	for _, step := range []struct{ line, says string }{
		{"xCommand XMPPDiscovery Address: " + r.pair.ChatServer() + " Axlusername: " + user + " Axlpassword: " + password, `Type: "IMPresence"`},
		{"xCommand CUCMConfigAdd Address: " + home + " Axlusername: " + user + " Axlpassword: guess", "the user name or the password is wrong"},
		{"xCommand RefreshServers Address: " + home, "Status: OK"},
		{"xStatus CollaborationEdge Cluster", `Version: "` + lab.RemoteVersion + `"`},
		{"xStatus CollaborationEdge Node", `Zone: "CEtcp-` + subscriber + `"`},
		{"xCommand Locate Alias: 2001@" + subscriber + " HopCount: 5 Protocol: SIP", "CEtcp-" + subscriber},
		{"xCommand CertificatePreflight Address: " + home, "Refused: 0"},
		{"xStatus Authzkeys", `Publisher: "` + home + `"`},
	} {
		if out, err := r.ask(ctx, r.pair.CoreAddr(), step.line); !strings.Contains(out, step.says) {
			return "", fmt.Errorf("%s does not say %q: %s (%v)", strings.ReplaceAll(step.line, password, "***"), step.says, out, err)
		}
	}
	return "two clusters, voicemail and presence tell their nodes, versions and keys; zones and rules are there; a wrong password changes nothing", nil
}
