package shell

import (
	"context"
	"io"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Backend is the node as the shell sees it. All methods may be called from any
// goroutine; those with a ctx return soon after it ends. Errors are shown to the
// administrator as they are.
type Backend interface {
	Role() xapi.Role
	NodeName() string
	Config() *config.Store

	// Folder is the directory that sftp shows too; empty if there is none.
	Folder() string

	// Command runs a command with checked arguments. The result's children are
	// printed; it may be nil.
	Command(ctx context.Context, cmd *xapi.Command, args xapi.Args, who config.Who) (*xapi.Node, error)

	// Status reads one element of the first level, such as "Zones".
	Status(ctx context.Context, element string) (*xapi.Node, error)

	// History reads one element of what is over, such as "Calls"; with an empty
	// name it returns a node whose children are the elements there are.
	History(ctx context.Context, element string) (*xapi.Node, error)

	// Feedback listens for what fits the expression, "Status/Calls" or
	// "Event/CallConnected". The session runs the feed, once.
	Feedback(expression string) (Feed, error)

	// Why tells the story of a user's newest requests. Trace writes what user
	// sends and receives for the time d, as it happens.
	Why(ctx context.Context, user string, w io.Writer) error
	Trace(ctx context.Context, user string, d time.Duration, w io.Writer) error

	// Alarms lists the alarms that are raised.
	Alarms() []alarm.Raised
}

// Feed tells of events until ctx ends. tell may be slow; what is missed
// meanwhile is dropped.
type Feed func(ctx context.Context, tell func(Event))

// Event is one thing that a feedback expression asked for.
type Event struct {
	Status bool // a *s block; else an *e block
	Node   *xapi.Node
}

// Events of xFeedback, besides the status elements.
func eventNames() []string {
	return []string{
		"AuthenticationFailure", "Bandwidth", "CallAttempt", "CallConnected", "CallDisconnected", "CallFailure",
		"Locate", "RegistrationAdded", "RegistrationChanged", "RegistrationFailure", "RegistrationRemoved", "ResourceUsage",
	}
}
