package appliance

import (
	"context"
	"errors"
	"io"
	"strconv"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
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
