package config

import (
	"crypto/rand"
	"fmt"
	"strings"

	"sallyport/appliance/xapi"
)

// NewSnapshotForTest returns a snapshot of revision 1 that holds lines of the
// form "Path: value". It panics on a line that cannot be taken, and is for tests
// of plans only: no file, no checks.
func NewSnapshotForTest(role xapi.Role, lines ...string) *Snapshot {
	sealer, err := newSealer([]byte("a key that seals only for tests"), rand.Reader)
	if err != nil {
		panic(err)
	}
	empty := &Snapshot{
		table: newTable(xapi.Items(), role), sealer: sealer,
		values: map[*xapi.Item]map[index]string{},
	}
	e := newEdit(empty, sealer)
	for _, text := range lines {
		for one := range strings.SplitSeq(text, "\n") {
			if r := e.importLine(0, one); r.Verdict > Same {
				panic(fmt.Sprintf("config: test line %q: %v: %s", one, r.Verdict, r.Why))
			}
		}
	}
	e.next.rev = 1
	return e.next
}
