package flow

import (
	"fmt"
	"strings"
	"time"

	"sallyport/appliance/xapi"
)

// FindAlias lists the confirmed bindings of an alias, with or without its
// domain, as xCommand FindRegistration shows them.
func (b *Bindings) FindAlias(alias string, now time.Time) (*xapi.Node, error) {
	all := xapi.NewNode("Registrations")
	b.Report(all, now)
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

// Discard ends the binding with a number or serial number, as xStatus
// Registrations shows them, and its connection: the client comes back with a new
// registration, if it may.
func (b *Bindings) Discard(number, serial string) (Binding, error) {
	i := 0
	var found *Binding
	b.Range(func(is Binding) bool {
		if !is.Confirmed {
			return true
		}
		i++
		if serial != "" && is.Serial() == serial || serial == "" && fmt.Sprint(i) == number {
			found = &is
			return false
		}
		return true
	})
	if found == nil {
		return Binding{}, fmt.Errorf("there is no registration %s%s; see xStatus Registrations", number, serial)
	}
	b.Remove(found.ID)
	if found.Conn != nil {
		found.Conn.Close()
	}
	return *found, nil
}
