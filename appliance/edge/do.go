package edge

import (
	"context"

	"sallyport/appliance/xapi"
)

// Do runs a command of the edge role; known is false for one that it lacks.
func (e *Edge) Do(_ context.Context, name string, args xapi.Args) (result *xapi.Node, known bool, err error) {
	switch name {
	case "FindRegistration":
		result, err = e.bindings.FindAlias(args.First("Alias"), e.clock())
	case "RemoveRegistration":
		err = e.removeRegistration(args.First("Registration"), args.First("RegistrationSerialNumber"))
	case "RecordingPlan":
		result, err = e.watch.Plan(args)
	case "DisconnectCall":
		err = e.disconnect(args.First("Call"), args.First("CallSerialNumber"))
	default:
		return nil, false, nil
	}
	return result, true, err
}

// removeRegistration ends a binding and its connection.
func (e *Edge) removeRegistration(number, serial string) error {
	gone, err := e.bindings.Discard(number, serial)
	if err == nil {
		e.log.Info("sip unregistered", "event", "unregistered", "user", gone.Key.AOR, "why", "removed by an administrator")
	}
	return err
}

// disconnect ends a call's media; its ends hang up when they hear nothing.
func (e *Edge) disconnect(number, serial string) error {
	found, err := e.watch.Named(number, serial)
	if err == nil {
		e.desk.Drop(found.Session)
	}
	return err
}
