package media_test

import (
	"testing"

	"sallyport/appliance/config"
	"sallyport/appliance/media"
	"sallyport/appliance/xapi"
)

func TestPlanFrom(t *testing.T) {
	lines := []string{
		"Ethernet 1 IP V4 Address: 10.0.0.1", "Ethernet 1 IP V6 Address: 2001:db8::1",
		"Ethernet 2 IP V4 Address: 192.0.2.7", "Ethernet 2 IP V4 StaticNAT Mode: On",
		"Ethernet 2 IP V4 StaticNAT Address: 203.0.113.7", "IP External Interface: LAN2",
		"Traversal Media Port Start: 40000", "Traversal Media Port End: 40999", "QoS Video: 12",
	}
	edge := media.PlanFrom(config.NewSnapshotForTest(xapi.Edge, lines...), xapi.Edge)
	want := media.Plan{Edge: true, Client: media.Addresses{V4: addr("192.0.2.7")}, Advertise: addr("203.0.113.7"),
		Inner: media.Addresses{V4: addr("10.0.0.1"), V6: addr("2001:db8::1")}, PortStart: 40000, PortEnd: 40999, LinkRTP: 2776, LinkRTCP: 2777, Audio: 46, Video: 12}
	if edge != want {
		t.Errorf("got  %+v\nwant %+v", edge, want)
	}
	must(t, edge.Check())
	if got := edge.Advertised(addr("192.0.2.7")); got != addr("203.0.113.7") {
		t.Errorf("advertises %s", got)
	}
	core := media.PlanFrom(config.NewSnapshotForTest(xapi.Core, "Ethernet 1 IP V4 Address: 10.0.0.2"), xapi.Core)
	if core.Edge || core.Inner.V4 != addr("10.0.0.2") || core.PortStart != 36000 || core.PortEnd != 59999 {
		t.Errorf("got %+v", core)
	}
	single := media.PlanFrom(config.NewSnapshotForTest(xapi.Edge, "Ethernet 1 IP V4 Address: 192.0.2.7"), xapi.Edge)
	if single.Inner != single.Client {
		t.Errorf("one interface: %+v", single)
	}
	if (media.Plan{PortStart: 36000, PortEnd: 36009}).Check() == nil {
		t.Error("a plan without addresses is taken")
	}
}
