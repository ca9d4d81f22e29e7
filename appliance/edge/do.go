package edge

import (
	"context"
	"fmt"
	"strings"

	"sallyport/appliance/flow"
	"sallyport/appliance/xapi"
)

// Do runs a command of the edge role; known is false for one that it lacks.
func (e *Edge) Do(_ context.Context, name string, args xapi.Args) (result *xapi.Node, known bool, err error) {
	switch name {
	case "FindRegistration":
		result, err = e.findRegistration(args.First("Alias"))
	case "RemoveRegistration":
		err = e.removeRegistration(args.First("Registration"), args.First("RegistrationSerialNumber"))
	case "DisconnectCall":
		err = e.disconnect(args.First("Call"), args.First("CallSerialNumber"))
	default:
		return nil, false, nil
	}
	return result, true, err
}

// findRegistration lists the bindings of an alias, with or without its domain.
func (e *Edge) findRegistration(alias string) (*xapi.Node, error) {
	all := xapi.NewNode("Registrations")
	e.bindings.Report(all, e.clock())
	result := xapi.NewNode("Result")
	alias = strings.ToLower(strings.TrimPrefix(alias, "sip:"))
	for _, r := range all.Children {
		found := strings.ToLower(r.Children[0].Value)
		if user, _, _ := strings.Cut(found, "@"); found == alias || user == alias {
			result.Children = append(result.Children, r)
		}
	}
	if len(result.Children) == 0 {
		return nil, fmt.Errorf("%s is not registered here", alias)
	}
	return result, nil
}

// removeRegistration ends a binding and its connection: the client comes back
// with a new registration, if it may.
func (e *Edge) removeRegistration(number, serial string) error {
	i := 0
	var found *flow.Binding
	e.bindings.Range(func(b flow.Binding) bool {
		if !b.Confirmed {
			return true
		}
		i++
		if serial != "" && b.Serial() == serial || serial == "" && fmt.Sprint(i) == number {
			found = &b
			return false
		}
		return true
	})
	if found == nil {
		return fmt.Errorf("there is no registration %s%s; see xStatus Registrations", number, serial)
	}
	e.bindings.Remove(found.ID)
	if found.Conn != nil {
		found.Conn.Close()
	}
	e.log.Info("sip unregistered", "event", "unregistered", "user", found.Key.AOR, "why", "removed by an administrator")
	return nil
}

// disconnect ends a call's media; its ends hang up when they hear nothing.
func (e *Edge) disconnect(number, serial string) error {
	found, err := e.watch.Named(number, serial)
	if err == nil {
		e.desk.Drop(found.Session)
	}
	return err
}
