package config

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"

	"sallyport/appliance/xapi"
)

// Replacement tells what Replace did or would do.
type Replacement struct {
	Report  *Report
	Changes []Change // secrets are masked
	Lines   []byte   // the whole as Export writes it, secrets sealed for this box
}

// Replace makes the configuration what the lines say and nothing else: rows that
// no line names go back to their defaults. It is one revision, and all or
// nothing, unless mode is DryRun: then nothing is changed. Secrets may stand in
// clear, as ExportClear writes them, or as tokens of this box.
func (s *Store) Replace(r io.Reader, who Who, note string, mode ImportMode) (*Replacement, error) {
	lines, err := readLines(r)
	if err != nil {
		return nil, err
	}
	out := &Replacement{Report: &Report{}}
	out.Report.Commit, err = s.Edit(who, func(e *Edit) error {
		e.Note(note)
		out.Report.Lines = e.takeWhole(lines)
		out.Changes = s.entry(who, e, e.changed()).Changes
		var text bytes.Buffer
		if err := e.next.Export(&text); err != nil {
			return err
		}
		out.Lines = text.Bytes()
		if out.Report.Count(Refused) > 0 {
			return errHold
		}
		if mode == DryRun {
			return cmp.Or(s.check(s.Snapshot(), e.next), errHold)
		}
		return nil
	})
	if errors.Is(err, errHold) {
		return out, nil
	}
	if faults := new(CheckError); errors.As(err, &faults) {
		out.Report.Error = faults
		return out, nil
	}
	return out, err
}

// takeWhole takes the lines in and what they do not name away.
func (e *Edit) takeWhole(lines []string) (report []ReportLine) {
	base := e.next.clone()
	named := map[string]bool{}
	for i, text := range lines {
		l := e.importLine(i+1, text)
		named[l.Path] = true
		report = append(report, l)
	}
	for _, p := range base.places() {
		switch {
		case !named[p.String()]:
			e.remove(p)
		case p.Item.Masked():
			e.keepSeal(base, p)
		}
	}
	return report
}

// keepSeal undoes a change of a secret that is only a new seal.
func (e *Edit) keepSeal(base *Snapshot, p xapi.Place) {
	old, _ := base.raw(p.Item, p.Idx)
	now, _ := e.next.raw(p.Item, p.Idx)
	was, err := e.sealer.open(p.Item.Path, old)
	is, err2 := e.sealer.open(p.Item.Path, now)
	if err == nil && err2 == nil && was == is {
		e.put(p, old)
	}
}

// ExportClear is Export with the secrets in clear: for a file that is encrypted
// as a whole. Secrets that this box cannot open are left out and returned.
func (sn *Snapshot) ExportClear(w io.Writer) (lost []string, err error) {
	out := bufio.NewWriter(w)
	for _, p := range sn.places() {
		text, _ := sn.raw(p.Item, p.Idx)
		if p.Item.Masked() {
			if text, err = sn.sealer.open(p.Item.Path, text); err != nil {
				lost = append(lost, p.String())
				continue
			}
		}
		fmt.Fprintf(out, "xConfiguration %s: %s\n", p, xapi.Quote(text))
	}
	return lost, out.Flush()
}
