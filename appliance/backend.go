package appliance

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/shell"
	"sallyport/appliance/sshd"
	"sallyport/appliance/xapi"
)

// The node is the shell's backend.
var _ shell.Backend = (*Node)(nil)

// Role is the node's role.
func (n *Node) Role() xapi.Role { return n.cfg.Role }

// NodeName is what banner, prompt and logs call the node.
func (n *Node) NodeName() string { return n.Name() }

// Config is the node's configuration.
func (n *Node) Config() *config.Store { return n.store }

// Folder is the one directory that sftp and commands share.
func (n *Node) Folder() string { return n.path("files") }

// Alarms lists what is raised.
func (n *Node) Alarms() []alarm.Raised { return n.alarms.List() }

// confirmWithin is how long a change that may cut the administrator off waits
// to be confirmed.
const confirmWithin = 60 * time.Second

// shell makes the shell of one SSH session.
func (n *Node) shell(user, from string) sshd.Shell {
	return shell.New(n, shell.Options{
		Who: config.Who{User: user, From: from}, Confirm: confirmWithin, Now: n.cfg.Clock,
	})
}

// Console makes a shell for whoever stands at the machine itself: changes that
// would cut a remote session off hold at once.
func (n *Node) Console(from string) *shell.Session {
	return shell.New(n, shell.Options{Who: config.Who{User: "admin", From: from}, Now: n.cfg.Clock})
}

// Status reads one element of the first level.
func (n *Node) Status(_ context.Context, element string) (*xapi.Node, error) {
	t := n.tree()
	found := xapi.NewNode(element)
	for _, c := range t.Children {
		if !strings.EqualFold(c.Name, element) {
			continue
		}
		if c.Index == 0 {
			return c, nil
		}
		found.Children = append(found.Children, c)
	}
	if len(found.Children) == 0 && !slices.Contains(xapi.StatusElements(n.cfg.Role), element) {
		return nil, fmt.Errorf("%s is not a status element", element)
	}
	return found, nil
}

// History reads what is over: the newest calls.
func (n *Node) History(_ context.Context, element string) (*xapi.Node, error) {
	t := xapi.NewNode("History")
	n.role.History(t)
	if element == "" {
		return t, nil
	}
	for _, c := range t.Children {
		if strings.EqualFold(c.Name, element) {
			return c, nil
		}
	}
	return nil, fmt.Errorf("%s has no history", element)
}
