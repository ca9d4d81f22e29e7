package appliance

import (
	"fmt"
	"time"
	_ "time/tzdata" // the appliance has no other copy of the database

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// timeZone is where the clock stands.
func timeZone(snap *config.Snapshot) (*time.Location, error) {
	name := snap.Str(xapi.TimeZoneName)
	if name == "Local" { // the library's word for the machine's own
		return nil, fmt.Errorf("TimeZone Name: %q names no time zone", name)
	}
	l, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("TimeZone Name: %q is not in the IANA database; Europe/Berlin is one that is", name)
	}
	return l, nil
}

// checkTimeZone is a config.Check.
func checkTimeZone(snap *config.Snapshot) error {
	_, err := timeZone(snap)
	return err
}

// localTime is the node's clock as its administrators read clocks.
func (n *Node) localTime(snap *config.Snapshot) string {
	l, err := timeZone(snap)
	if err != nil {
		l = time.UTC
	}
	return n.cfg.Clock().In(l).Format("2006-01-02 15:04:05 MST")
}
