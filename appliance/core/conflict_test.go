package core

import (
	"testing"

	"sallyport/appliance/alarm"
	"sallyport/appliance/sip"
	"sallyport/appliance/xapi"
	"sallyport/appliance/zone"
)

// A trunk on the line side's port raises the alarm with both zones and the port
// named, keeps no registration from its way, and lowers the alarm when it moves.
func TestTrunkOnLinePort(t *testing.T) {
	lines := []string{
		`SIP Domain 1 Authzone: "Call control"`,
		`Zones Zone 3 Name: "Trunk"`, `Zones Zone 3 Type: Neighbor`, `Zones Zone 3 Neighbor SIP Transport: TCP`,
		`Zones Zone 3 Neighbor Peer 1 Address: "CUCM2.example.com"`,
	}
	clash := planned(t, append(lines, `Zones Zone 3 Neighbor SIP Port: 5060`)...)
	book := alarm.NewBook(newClock().read)
	clash.cfg.Alarms = book
	plan := clash.plan.Load()
	clash.judgeTrunks(plan)
	all := book.List()
	want := `Trunk zone "Trunk" and the line side zone "Call control" both use cucm2.example.com:5060; give the trunk another incoming port on call control.`
	if len(all) != 1 || all[0].Alarm != xapi.AlarmPortConflict || all[0].Detail != want {
		t.Fatalf("%+v", all)
	}
	d, _ := plan.Domain("example.com")
	for _, way := range plan.registrars(d, "Edge", uri(t, "sip:alice@example.com"), sip.URI{Scheme: "sip", Host: "example.com"}, zone.AnyService) {
		if way.zone == "Trunk" {
			t.Error("a registration goes by the trunk")
		}
	}
	clash.judgeTrunks(planned(t, append(lines, `Zones Zone 3 Neighbor SIP Port: 5070`)...).plan.Load())
	if all := book.List(); len(all) != 0 {
		t.Errorf("still raised: %+v", all)
	}
}
