package appliance

import (
	"sallyport/appliance/auth"
	"sallyport/appliance/config"
	"sallyport/appliance/core"
	"sallyport/appliance/turn"
	"sallyport/appliance/xapi"
	"sallyport/appliance/xmpp"
	"sallyport/appliance/zone"
)

// checks are the rules that a role's configuration must keep.
func checks(role xapi.Role) []config.Check {
	if role == xapi.Core {
		return []config.Check{zone.Check, core.Check, xmpp.Check, auth.Check, auth.CheckSSO, auth.CheckGrants, checkTimeZone}
	}
	return []config.Check{zone.Check, turn.Check, checkTimeZone}
}
