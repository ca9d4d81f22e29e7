package appliance

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sallyport/appliance/allow"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// put writes a file of the sftp folder by its bare name.
func (n *Node) put(name string, text []byte) error {
	if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return fmt.Errorf("%s: name a file of the sftp folder, without a path", name)
	}
	return os.WriteFile(filepath.Join(n.Folder(), name), text, 0o600)
}

// maxToldFaults is how many bad lines one answer names.
const maxToldFaults = 50

// upload hands the lines of a CSV file to what take makes for the edit. Every
// bad line is told by its number; nothing is applied then, unless partial.
func upload[T any](n *Node, who config.Who, file allow.File[T], partial bool, count string, take func(*config.Edit) func(T) error) (*xapi.Node, error) {
	if file.Broken != nil {
		return nil, file.Broken
	}
	var faults []allow.Fault
	done := 0
	_, err := n.store.Edit(who, func(e *config.Edit) error {
		faults, done = slices.Clone(file.Faults), 0
		one := take(e)
		for _, l := range file.Lines {
			if err := one(l.Value); err != nil {
				faults = append(faults, allow.Fault{Number: l.Number, Err: err})
				continue
			}
			done++
		}
		slices.SortStableFunc(faults, func(a, b allow.Fault) int { return a.Number - b.Number })
		if len(faults) > 0 && (!partial || done == 0) {
			return told(faults)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	result := xapi.NewNode("Result").Int(count, done)
	for i, note := range file.Notes {
		result.Nth("Note", i+1).Str("Text", note)
	}
	for i, f := range faults {
		result.Nth("LeftOut", i+1).Int("Line", f.Number).Str("Why", f.Err.Error())
	}
	return result, nil
}

// told names the bad lines, and how many more there are.
func told(faults []allow.Fault) error {
	var errs []error
	for i, f := range faults {
		if i == maxToldFaults {
			errs = append(errs, fmt.Errorf("and %d more", len(faults)-i))
			break
		}
		errs = append(errs, f)
	}
	return errors.Join(append(errs, errors.New("nothing was changed"))...)
}
