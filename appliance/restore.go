package appliance

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sallyport/appliance/backup"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// A restore is laid down whole in a folder and takes effect when the node opens
// the next time, so that a power cut leaves the old node or the new one:
//
//	restore.new      being written; thrown away
//	restore          complete: acted upon at each start until it is gone
//	restore.refused  this version could not take it; kept for whoever asks why
const (
	restoreNew     = "restore.new"
	restoreReady   = "restore"
	restoreRefused = "restore.refused"

	configurationFile = "configuration"
)

// keptFiles are what makes a node beside its configuration: its certificates and
// keys, and by what administrators know it. It is by path below dir.
func keptFiles(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, part := range []string{"trust", "ssh_host_key"} {
		err := filepath.WalkDir(filepath.Join(dir, part), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || !d.Type().IsRegular() || strings.HasPrefix(d.Name(), ".") {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil {
				return err
			}
			files[filepath.ToSlash(name)], err = os.ReadFile(path)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

// restorable reports whether a backup may put a file there.
func restorable(name string) bool {
	return name == "ssh_host_key" || strings.HasPrefix(name, "trust/") && !strings.HasPrefix(filepath.Base(name), ".")
}

// Restore is what a backup would make of a node.
type Restore struct {
	Header  backup.Header
	Changes []config.Change // of the configuration; secrets are masked
	Files   []string        // "trust/server.pem: replaced"
	Lost    []string        // lines that this version does not need, and why

	lines []byte // the configuration, its secrets sealed for this box
	files map[string][]byte
}

// planRestore compares a backup with a store and the files in dir. It changes
// nothing. What this version cannot take is an error.
func planRestore(a *backup.Archive, store *config.Store, dir string) (*Restore, error) {
	if got, want := a.Header.Role, store.Role().String(); got != want {
		return nil, fmt.Errorf("this backup is of a node that is %s; this one is %s", got, want)
	}
	for name := range a.Files {
		if !restorable(name) {
			return nil, fmt.Errorf("the backup holds %q, which this version has no place for: it was made by version %s", name, a.Header.Version)
		}
	}
	plan, err := store.Replace(bytes.NewReader(a.Configuration), config.Who{}, "", config.DryRun)
	if err != nil {
		return nil, err
	}
	if err := refusals(plan.Report, a.Header.Version); err != nil {
		return nil, err
	}
	have, err := keptFiles(dir)
	if err != nil {
		return nil, err
	}
	r := &Restore{Header: a.Header, Changes: plan.Changes, Files: compareFiles(have, a.Files), lines: plan.Lines, files: a.Files}
	for _, l := range plan.Report.Lines {
		if l.Verdict == config.NotNeeded || l.Verdict == config.NotHere {
			r.Lost = append(r.Lost, l.Path+": "+l.Why)
		}
	}
	return r, nil
}

// refusals is why this version cannot take a configuration; nil if it can.
func refusals(rep *config.Report, version string) error {
	if rep.Error != nil {
		return fmt.Errorf("the backup of version %s does not pass the checks of this one: %w", version, rep.Error)
	}
	var why []error
	for _, l := range rep.Lines {
		if l.Verdict != config.Refused && l.Verdict != config.Foreign {
			continue
		}
		if len(why) == maxToldFaults {
			why = append(why, errors.New("and more"))
			break
		}
		why = append(why, fmt.Errorf("%s: %s", l.Path, l.Why))
	}
	if len(why) == 0 {
		return nil
	}
	return errors.Join(append(why, fmt.Errorf("these lines of the backup, made by version %s, this version cannot take: nothing was changed", version))...)
}

func compareFiles(have, want map[string][]byte) (out []string) {
	all := maps.Clone(have)
	maps.Copy(all, want)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		old, was := have[name]
		now, is := want[name]
		switch {
		case !was:
			out = append(out, name+": added")
		case !is:
			out = append(out, name+": removed")
		case !bytes.Equal(old, now):
			out = append(out, name+": replaced")
		}
	}
	return out
}

// Same reports whether the backup is what the node is already.
func (r *Restore) Same() bool { return len(r.Changes) == 0 && len(r.Files) == 0 }

// Print writes what would change, a line each.
func (r *Restore) Print(w io.Writer) {
	fmt.Fprintf(w, "Backup of %s (%s), version %s, made %s\n", r.Header.Name, r.Header.Role, r.Header.Version, r.Header.Made.UTC().Format(time.RFC3339))
	for _, c := range r.Changes {
		fmt.Fprintln(w, change(c))
	}
	for _, f := range r.Files {
		fmt.Fprintln(w, f)
	}
	for _, l := range r.Lost {
		fmt.Fprintln(w, "left out:", l)
	}
	if r.Same() {
		fmt.Fprintln(w, "Nothing would change.")
	}
}

// change is one row before and after, as diff prints it.
func change(c config.Change) string {
	switch {
	case !c.WasSet:
		return fmt.Sprintf("+ %s: %s", c.Path, xapi.Quote(c.After))
	case !c.IsSet:
		return fmt.Sprintf("- %s: %s", c.Path, xapi.Quote(c.Before))
	}
	return fmt.Sprintf("~ %s: %s -> %s", c.Path, xapi.Quote(c.Before), xapi.Quote(c.After))
}

// lay puts the restore down for the next start. When it returns without error
// the restore is certain.
func (r *Restore) lay(dir string) error {
	folder := filepath.Join(dir, restoreNew)
	if err := errors.Join(os.RemoveAll(folder), os.RemoveAll(filepath.Join(dir, restoreReady))); err != nil {
		return err
	}
	files := maps.Clone(r.files)
	if files == nil {
		files = map[string][]byte{}
	}
	files[configurationFile] = r.lines
	for name, data := range files {
		if err := replaceFile(filepath.Join(folder, name), data); err != nil {
			return err
		}
	}
	if err := os.Rename(folder, filepath.Join(dir, restoreReady)); err != nil {
		return err
	}
	return syncFolder(dir)
}

// finishRestore does what a restore that was laid down says. It may run again
// after a power cut. A store that is damaged gives way to a new one. The error
// is one of the disk; what this version cannot take is put aside.
func (n *Node) finishRestore() error {
	ready := n.path(restoreReady)
	lines, err := os.ReadFile(filepath.Join(ready, configurationFile))
	if errors.Is(err, fs.ErrNotExist) {
		return os.RemoveAll(n.path(restoreNew))
	}
	if err != nil {
		return err
	}
	store, err := n.openWhole()
	if err != nil {
		return err
	}
	done, err := store.Replace(bytes.NewReader(lines), config.Who{User: "admin", From: "restore"}, "restore", config.AllOrNothing)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if refusals(done.Report, "") != nil {
		return errors.Join(os.RemoveAll(n.path(restoreRefused)), os.Rename(ready, n.path(restoreRefused)))
	}
	if err := n.restoreFiles(ready); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(n.path(restoreRefused)), os.RemoveAll(ready), syncFolder(n.cfg.Dir))
}

// openWhole opens the configuration; a damaged one is put aside.
func (n *Node) openWhole() (*config.Store, error) {
	store, err := n.openConfig()
	if !errors.Is(err, config.ErrDamaged) {
		return store, err
	}
	if err := os.Rename(n.path("config.db"), n.path("config.db.damaged")); err != nil {
		return nil, err
	}
	return n.openConfig()
}

func (n *Node) restoreFiles(ready string) error {
	want, err := keptFiles(ready)
	if err != nil {
		return err
	}
	have, err := keptFiles(n.cfg.Dir)
	if err != nil {
		return err
	}
	for name, data := range want {
		if err := replaceFile(n.path(name), data); err != nil {
			return err
		}
	}
	for name := range have {
		if _, stays := want[name]; !stays {
			if err := os.Remove(n.path(name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// replaceFile writes a file beside the old one and puts it in its place, so that
// a power cut leaves one or the other.
func replaceFile(path string, data []byte) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	_, err = tmp.Write(data)
	if err = errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
