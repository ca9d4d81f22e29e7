package config

import (
	"bufio"
	"fmt"
	"io"

	"sallyport/appliance/xapi"
)

// Export writes the newest revision as lines that can be pasted into the shell
// or given to Import: what is set, in storage key order. Passwords are written as
// sealed tokens, which only this box opens. Stored keys that this version does
// not understand are listed as comments, without their values.
func (s *Store) Export(w io.Writer) error { return s.Snapshot().Export(w) }

// Export is Store.Export for an older snapshot.
func (sn *Snapshot) Export(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, p := range sn.places() {
		raw, _ := sn.raw(p.Item, p.Idx)
		fmt.Fprintf(out, "xConfiguration %s: %s\n", p, xapi.Quote(raw))
	}
	for _, key := range sn.Kept() {
		fmt.Fprintf(out, "# kept, but not understood by this version: %s\n", key)
	}
	return out.Flush()
}
