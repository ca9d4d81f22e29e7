package appliance

import (
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"sallyport/appliance/xapi"
)

// TestLinkCountsWhileItsPeerAnswers has a core whose link was up before it was
// started anew and is not now.
func TestLinkCountsWhileItsPeerAnswers(t *testing.T) {
	peer, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	port := netip.MustParseAddrPort(peer.Addr().String()).Port()
	now := time.Date(2026, 1, 2, 3, 30, 0, 0, time.UTC)
	n, err := New(Config{Role: xapi.Core, Dir: t.TempDir(), Name: "core", Clock: func() time.Time { return now }, First: strings.Join([]string{
		"xConfiguration Administration SSH Mode: Off", "xConfiguration SIP Mode: Off",
		`xConfiguration Zones Zone 1 Name: "dmz"`, `xConfiguration Zones Zone 1 Type: TraversalClient`,
		`xConfiguration Zones Zone 1 TraversalClient Peer 1 Address: "127.0.0.1"`,
		"xConfiguration Zones Zone 1 TraversalClient SIP Port: " + strconv.Itoa(int(port)),
	}, "\n")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	judge := func() (string, string) {
		unlinked, fault := n.lookLinks(t.Context(), n.store.Snapshot())
		if fault != nil {
			return strings.Join(unlinked, " "), fault.Error()
		}
		return strings.Join(unlinked, " "), ""
	}
	n.alarms.Raise(xapi.AlarmLinkDown, "dmz 127.0.0.1", "down")
	if unlinked, fault := judge(); unlinked != "" || fault != "" {
		t.Errorf("a link that never was counts: %s, %s", unlinked, fault)
	}
	n.alarms.Lower(xapi.AlarmLinkDown, "dmz 127.0.0.1")
	n.rememberLinks(n.store.Snapshot())
	written, _ := os.Stat(n.path(linkFile))
	n.rememberLinks(n.store.Snapshot())
	if again, _ := os.Stat(n.path(linkFile)); !again.ModTime().Equal(written.ModTime()) {
		t.Error("it is written again and again")
	}

	now = now.Add(10 * time.Minute)
	n = again(t, n)
	if unlinked, fault := judge(); unlinked != "" || fault != "" {
		t.Errorf("a link that is up is missed: %s, %s", unlinked, fault)
	}
	n.alarms.Raise(xapi.AlarmLinkDown, "dmz 127.0.0.1", "down")
	if _, fault := judge(); !strings.Contains(fault, "not yet") {
		t.Errorf("right after the start: %s", fault)
	}
	now = now.Add(linkWithin)
	if _, fault := judge(); !strings.Contains(fault, "though 127.0.0.1 answers") {
		t.Errorf("the peer answers: %s", fault)
	}
	peer.Close()
	if unlinked, fault := judge(); unlinked != "dmz" || fault != "" {
		t.Errorf("a dead peer undoes an update: %s, %s", unlinked, fault)
	}
	now = now.Add(2 * linkMemory)
	n = again(t, n)
	n.alarms.Raise(xapi.AlarmLinkDown, "dmz 127.0.0.1", "down")
	if unlinked, fault := judge(); unlinked != "" || fault != "" {
		t.Errorf("a link of long ago counts: %s, %s", unlinked, fault)
	}
}
