package appliance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/shell"
	"sallyport/appliance/xapi"
)

// Host is the machine under the node, where the node is its firmware. On an
// ordinary machine there is none.
type Host interface {
	// Upgrade reads a signed update into the slot that does not run. It returns
	// the update's version.
	Upgrade(ctx context.Context, update io.Reader, progress func(done, all int64)) (version string, err error)

	// Reboot restarts the machine soon after it returns.
	Reboot() error

	// Reset forgets what the level says and restarts the machine: 1 the
	// configuration, 2 and everything else that the node keeps, 3 and its role.
	Reset(level int) error

	// Status adds what the machine says of itself below the root of xStatus.
	Status(root *xapi.Node)

	// Look raises and lowers the machine's alarms. It is called every few
	// seconds.
	Look(book *alarm.Book)
}

// The node takes updates from the shell's input.
var _ shell.Receiver = (*Node)(nil)

var errNoHost = errors.New("this node runs as a program on somebody else's machine, which it leaves alone")

func boot(n *Node, _ context.Context, _ xapi.Args, who config.Who) (*xapi.Node, error) {
	if n.cfg.Host == nil {
		return nil, errNoHost
	}
	n.log.Info("reboot asked for", "event", "reboot", "who", who.User, "from", who.From)
	return nil, n.cfg.Host.Reboot()
}

func defaultValuesSet(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	if n.cfg.Host == nil {
		return nil, errNoHost
	}
	level, err := strconv.Atoi(one(args, "Level"))
	if err != nil {
		return nil, err
	}
	n.log.Warn("factory reset asked for", "event", "reset", "level", level, "who", who.User, "from", who.From)
	return nil, n.cfg.Host.Reset(level)
}

// systemUpgrade installs an update from the sftp folder.
func systemUpgrade(n *Node, ctx context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	name := one(args, "File")
	if name == "" {
		return nil, errors.New("name a File of the sftp folder, or send the update as the input of: ssh admin@box xCommand SystemUpgrade")
	}
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	f, err := os.Open(filepath.Join(n.Folder(), name))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return n.upgrade(ctx, f, io.Discard, who)
}

// Receive runs a command whose subject is the session's input.
func (n *Node) Receive(ctx context.Context, cmd *xapi.Command, _ xapi.Args, who config.Who, in io.Reader, out io.Writer) (*xapi.Node, error) {
	if cmd != xapi.SystemUpgrade {
		return nil, fmt.Errorf("%s takes no input", cmd.Name)
	}
	return n.upgrade(ctx, in, out, who)
}

func (n *Node) upgrade(ctx context.Context, in io.Reader, out io.Writer, who config.Who) (*xapi.Node, error) {
	if n.cfg.Host == nil {
		return nil, errNoHost
	}
	told := int64(-1)
	version, err := n.cfg.Host.Upgrade(ctx, in, func(done, all int64) {
		if tenth := done * 10 / max(all, 1); tenth > told {
			told = tenth
			fmt.Fprintf(out, "%3d %% of %d MiB\n", tenth*10, all>>20)
		}
	})
	if err != nil {
		n.log.Warn("update refused", "event", "upgrade", "err", err, "who", who.User, "from", who.From)
		return nil, err
	}
	n.log.Info("update installed", "event", "upgrade", "version", version, "who", who.User, "from", who.From)
	r := xapi.NewNode("Result")
	r.Str("Version", version)
	return r.Str("Next", "xCommand Boot starts it; if it does not become healthy in three starts, this version comes back"), nil
}
