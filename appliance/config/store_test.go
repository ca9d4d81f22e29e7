package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sallyport/appliance/xapi"
)

func TestMain(m *testing.M) {
	if powerChild() {
		return
	}
	goleak.VerifyTestMain(m)
}

// Rows that only tests have: the table has no password yet that must be read back.
var (
	testPassword = xapi.Secret{Item: &xapi.Item{Path: "Test Upstream [1..5] Password", Kind: xapi.Password, Max: 60, Role: xapi.Both}}
	testBelow    = xapi.Str{Item: &xapi.Item{Path: "Test Upstream [1..5] Node [1..3] Name", Kind: xapi.String, Max: 60, Role: xapi.Both}}
)

var (
	alice = Who{"alice", "192.0.2.7"}
	bob   = Who{"bob", "console"}
)

type hand struct{ t time.Time }

func (h *hand) now() time.Time { return h.t }

func testOptions(h *hand) Options {
	return Options{
		Role: xapi.Core, Clock: h.now, SealKey: []byte("0123456789abcdef0123456789abcdef"),
		Items: append(xapi.Items(), testPassword.Item, testBelow.Item),
	}
}

func newHand() *hand { return &hand{time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)} }

func openAt(t testing.TB, path string, opt Options) *Store {
	t.Helper()
	s, err := Open(path, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func openNew(t testing.TB) (*Store, *hand) {
	t.Helper()
	h := newHand()
	return openAt(t, filepath.Join(t.TempDir(), "config.db"), testOptions(h)), h
}

// set commits lines of the form "Path: value" as one revision.
func set(t testing.TB, s *Store, who Who, lines ...string) *Commit {
	t.Helper()
	c, err := s.Edit(who, setAll(lines...))
	if err != nil {
		t.Fatalf("set %q: %v", lines, err)
	}
	return c
}

func setAll(lines ...string) func(*Edit) error {
	return func(e *Edit) error {
		for _, l := range lines {
			path, value, _ := strings.Cut(l, ": ")
			if err := e.Set(path, value); err != nil {
				return err
			}
		}
		return nil
	}
}

func dump(sn *Snapshot) string {
	var b strings.Builder
	for _, v := range sn.Values() {
		fmt.Fprintf(&b, "%s: %s\n", v.Place, v.Text)
	}
	return b.String()
}

func TestDefaultsAndTypedReads(t *testing.T) {
	s, _ := openNew(t)
	sn := s.Snapshot()
	if sn.Rev() != 0 || sn.Int(xapi.MediaPortStart) != 36000 || !sn.Bool(xapi.SIPTLSMode) ||
		sn.Enum(xapi.NeighborSIPTransport, 3) != "TLS" || sn.Str(xapi.ZoneName, 3) != "" || sn.IsSet(xapi.SIPTLSMode.Item) {
		t.Error("an empty store does not read as defaults")
	}
	set(t, s, alice, "Zones Zone 3 Name: UC", "zon zon 3 nei sip tra: tcp", "Traversal Media Port Start: 040000",
		"Zones Zone 3 Neighbor Peer 2 Address: UCM2.example.com", "SIP TLS Mode: off")
	if sn.Int(xapi.MediaPortStart) != 36000 {
		t.Error("an old snapshot changed")
	}
	sn = s.Snapshot()
	if sn.Rev() != 1 || sn.Int(xapi.MediaPortStart) != 40000 || sn.Bool(xapi.SIPTLSMode) ||
		sn.Enum(xapi.NeighborSIPTransport, 3) != "TCP" || sn.Str(xapi.NeighborPeerAddress, 3, 2) != "ucm2.example.com" {
		t.Errorf("reads wrongly:\n%s", dump(sn))
	}
}

func TestIndexes(t *testing.T) {
	s, _ := openNew(t)
	set(t, s, alice, "Zones Zone 7 Name: a", "Zones Zone 2 HopCount: 3", "Zones Zone 12 Neighbor Peer 4 Address: h",
		"Zones Zone 12 Neighbor Peer 1 Address: g", "Zones Policy SearchRules Rule 5 Name: r", "SIP Domain 1 Name: d.example")
	sn := s.Snapshot()
	for _, tc := range []struct{ got, want []int }{
		{sn.Indexes(xapi.ZoneName.Item), []int{2, 7, 12}},
		{sn.Indexes(xapi.NeighborPeerAddress.Item), []int{2, 7, 12}},
		{sn.Indexes(xapi.NeighborPeerAddress.Item, 12), []int{1, 4}},
		{sn.Indexes(xapi.NeighborPeerAddress.Item, 7), nil},
		{sn.Indexes(xapi.RuleName.Item), []int{5}},
	} {
		if !slices.Equal(tc.got, tc.want) {
			t.Errorf("indexes %v, want %v", tc.got, tc.want)
		}
	}
}

func TestUnsetAndDeleteTree(t *testing.T) {
	s, _ := openNew(t)
	set(t, s, alice, "Zones Zone 1 Name: a", "Zones Zone 1 Neighbor Peer 1 Address: h", "Zones Zone 2 Name: b", "SystemUnit Name: box")
	if _, err := s.Edit(alice, func(e *Edit) error {
		return errors.Join(e.DeleteTree("Zones Zone 1"), e.Unset("SystemUnit Name"))
	}); err != nil {
		t.Fatal(err)
	}
	if got, want := dump(s.Snapshot()), "Zones Zone 2 Name: b\n"; got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	for _, bad := range []string{"", "Zones Zone 1 Name more", "Zoo"} {
		if _, err := s.Edit(alice, func(e *Edit) error { return e.DeleteTree(bad) }); err == nil {
			t.Errorf("deleted %q", bad)
		}
	}
	if c := set(t, s, alice, "Zones Zone 2 Neighbor Peer 1 Address: "); len(c.Changes) != 0 || c.Rev != 2 {
		t.Errorf("unsetting what is unset made %+v", c)
	}
}

func TestFailedEditChangesNothing(t *testing.T) {
	s, _ := openNew(t)
	set(t, s, alice, "Zones Zone 1 Name: a")
	for _, lines := range [][]string{
		{"Zones Zone 1 Name: b", "Zones Zone 1 Type: Neighbour"},
		{"Zones Zone 2 Name: A"},
		{"Traversal Media Port Start: 60000", "Traversal Media Port End: 50000"},
		{"Traversal Server SSH Prt: 3"},
		{"SIP TCP Mode: On", "SIP TCP Port: 5061"},
		{"Zones Policy SearchRules Rule 1 Pattern Type: Regex", "Zones Policy SearchRules Rule 1 Pattern String: (a"},
		{"Ethernet 1 IP V4 StaticNAT Mode: On"}, // edge's, and this is core
	} {
		if c, err := s.Edit(alice, setAll(lines...)); err == nil {
			t.Errorf("%q was taken: %+v", lines, c)
		}
	}
	if got := dump(s.Snapshot()); got != "Zones Zone 1 Name: a\n" || s.Snapshot().Rev() != 1 {
		t.Errorf("revision %d holds\n%s", s.Snapshot().Rev(), got)
	}
}

// TestOldFaultDoesNotBlock wants a fault that came with a new check to stop only
// the edits that add to it.
func TestOldFaultDoesNotBlock(t *testing.T) {
	h, path := newHand(), filepath.Join(t.TempDir(), "config.db")
	opt := testOptions(h)
	s := openAt(t, path, opt)
	set(t, s, alice, "SystemUnit Name: evil")
	s.Close()
	opt.Checks = []Check{func(sn *Snapshot) error {
		if name := sn.Str(xapi.SystemUnitName); name == "evil" || name == "worse" {
			return fmt.Errorf("%s is no name", name)
		}
		return nil
	}}
	s = openAt(t, path, opt)
	set(t, s, alice, "Log Level: 2")
	if _, err := s.Edit(alice, setAll("SystemUnit Name: worse")); err == nil {
		t.Error("a new fault was taken")
	}
}

func TestJournalDiffRollback(t *testing.T) {
	s, h := openNew(t)
	set(t, s, alice, "SystemUnit Name: one", "Test Upstream 1 Password: secret1")
	h.t = h.t.Add(time.Minute)
	set(t, s, bob, "SystemUnit Name: two", "Log Level: 3")
	set(t, s, bob, "Test Upstream 1 Password: secret2", "Log Level: 1")

	entries, err := s.Journal(2)
	if err != nil {
		t.Fatal(err)
	}
	want := []Entry{
		{3, bob, h.t, "", []Change{{"Log Level", "3", "1", true, true}, {"Test Upstream 1 Password", "***", "***", true, true}}},
		{2, bob, h.t, "", []Change{{"Log Level", "", "3", false, true}, {"SystemUnit Name", "one", "two", true, true}}},
	}
	if !reflect.DeepEqual(entries, want) {
		t.Errorf("journal\n%+v\nwant\n%+v", entries, want)
	}
	diff, err := s.Diff(3, 1)
	wantDiff := []Change{{"Log Level", "1", "", true, false}, {"SystemUnit Name", "two", "one", true, true}, {"Test Upstream 1 Password", "***", "***", true, true}}
	if err != nil || !reflect.DeepEqual(diff, wantDiff) {
		t.Errorf("diff %+v, %v", diff, err)
	}
	if _, err := s.Rollback(1, alice); err != nil {
		t.Fatal(err)
	}
	sn := s.Snapshot()
	if sn.Rev() != 4 || sn.Str(xapi.SystemUnitName) != "one" || sn.Secret(testPassword, 1) != "secret1" || sn.IsSet(xapi.LogLevel.Item) {
		t.Errorf("after rollback revision %d:\n%s", sn.Rev(), dump(sn))
	}
	if e, _ := s.Journal(1); e[0].Note != "rollback to revision 1" {
		t.Errorf("note %q", e[0].Note)
	}
	for _, rev := range []int{-1, 9} {
		if _, err := s.Rollback(rev, alice); !errors.Is(err, ErrNoRevision) {
			t.Errorf("rollback to %d: %v", rev, err)
		}
		if _, err := s.Diff(rev, 1); !errors.Is(err, ErrNoRevision) {
			t.Errorf("diff of %d: %v", rev, err)
		}
	}
	if _, err := s.Rollback(0, alice); err != nil || dump(s.Snapshot()) != "" {
		t.Errorf("back to the empty store: %v\n%s", err, dump(s.Snapshot()))
	}
}

func TestWatchIsLevelTriggered(t *testing.T) {
	s, _ := openNew(t)
	w := s.Watch()
	ready := func() bool {
		select {
		case <-w.C():
			return true
		default:
			return false
		}
	}
	if !ready() || ready() {
		t.Error("a new watch is to be ready once")
	}
	set(t, s, alice, "Log Level: 2")
	set(t, s, alice, "Log Level: 3")
	if !ready() || ready() {
		t.Error("two commits are to make one signal")
	}
	set(t, s, alice, "Log Level: 3")
	if ready() {
		t.Error("an edit without change signals")
	}
	w.Close()
	set(t, s, alice, "Log Level: 4")
	if ready() {
		t.Error("a closed watch signals")
	}
}

func TestSnapshotForTest(t *testing.T) {
	sn := NewSnapshotForTest(xapi.Edge, "SIP TLS Port: 5071", "Zones Zone 1 Name: \"link\"\nZones Zone 1 Type: TraversalServer")
	if sn.Rev() != 1 || sn.Int(xapi.SIPTLSPort) != 5071 || sn.Str(xapi.ZoneName, 1) != "link" {
		t.Errorf("holds\n%s", dump(sn))
	}
	defer func() {
		if recover() == nil {
			t.Error("a wrong line did not panic")
		}
	}()
	NewSnapshotForTest(xapi.Edge, "SIP TLS Prt: 1")
}
