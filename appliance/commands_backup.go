package appliance

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"

	"sallyport/appliance/backup"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// systemBackup writes all that makes this node into the sftp folder, encrypted.
func systemBackup(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	a, lost, err := n.archive()
	if err != nil {
		return nil, err
	}
	name := one(args, "File")
	if name == "" {
		name = fmt.Sprintf("backup-%s-%s.age", a.Header.Role, a.Header.Made.Format("20060102-150405"))
	}
	var out bytes.Buffer
	if err := backup.Write(&out, a, one(args, "Passphrase")); err != nil {
		return nil, err
	}
	if err := n.put(name, out.Bytes()); err != nil {
		return nil, err
	}
	n.log.Info("backup made", "event", "backup", "file", name, "rev", a.Header.Revision, "who", who.User, "from", who.From)
	r := xapi.NewNode("Result").Str("File", name).Int("Size", out.Len()).Int("Revision", a.Header.Revision)
	for i, path := range lost {
		r.Nth("LeftOut", i+1).Str("Path", path).Str("Why", "sealed by another box, so this one cannot read it")
	}
	return r, nil
}

// archive is the node as a backup holds it.
func (n *Node) archive() (a *backup.Archive, lost []string, err error) {
	snap := n.store.Snapshot()
	var lines bytes.Buffer
	if lost, err = snap.ExportClear(&lines); err != nil {
		return nil, nil, err
	}
	files, err := keptFiles(n.cfg.Dir)
	if err != nil {
		return nil, nil, err
	}
	name := snap.Str(xapi.SystemUnitName)
	if name == "" {
		name = n.cfg.Name
	}
	return &backup.Archive{
		Header: backup.Header{
			Role: n.cfg.Role.String(), Name: name, Version: n.cfg.Version,
			Revision: snap.Rev(), Made: n.cfg.Clock().UTC(),
		},
		Configuration: lines.Bytes(), Files: files,
	}, lost, nil
}

// plannedRestore opens a backup of the sftp folder and compares it with this
// node.
func (n *Node) plannedRestore(args xapi.Args) (*Restore, error) {
	b, err := n.file(one(args, "File"))
	if err != nil {
		return nil, err
	}
	a, err := backup.Read(bytes.NewReader(b), one(args, "Passphrase"))
	if err != nil {
		return nil, err
	}
	return planRestore(a, n.store, n.cfg.Dir)
}

func systemRestoreTest(n *Node, _ context.Context, args xapi.Args, _ config.Who) (*xapi.Node, error) {
	r, err := n.plannedRestore(args)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	r.Print(&text)
	out := xapi.NewNode("Result")
	for i, line := range strings.Split(strings.TrimRight(text.String(), "\n"), "\n") {
		l := out.Nth("Line", i+1)
		l.Value, l.Text = line, true
	}
	return out, nil
}

// systemRestore makes this node what the backup says, by way of a restart.
func systemRestore(n *Node, _ context.Context, args xapi.Args, who config.Who) (*xapi.Node, error) {
	r, err := n.plannedRestore(args)
	if err != nil {
		return nil, err
	}
	if r.Same() {
		return xapi.NewNode("Result").Str("Next", "nothing: the backup is what this node is already"), nil
	}
	if err := r.lay(n.cfg.Dir); err != nil {
		return nil, err
	}
	n.log.Warn("restore asked for", "event", "restore", "backup", r.Header.Name, "made", r.Header.Made, "who", who.User, "from", who.From)
	if n.quit != nil {
		n.quit(ErrRestart)
	}
	return xapi.NewNode("Result").Int("Settings", len(r.Changes)).Int("Files", len(r.Files)).
		Str("Next", "the node restarts as the backup has it"), nil
}

// lookRestore tells of a restore that this version could not take.
func (n *Node) lookRestore() {
	_, err := os.Stat(n.path(restoreRefused))
	n.alarms.Set(xapi.AlarmRestoreFailed, "", err == nil, "Version "+n.cfg.Version+" could not take it; the node is as it was before.")
}

// maxToldCommits is how many dropped commits an alarm names.
const maxToldCommits = 5

// lookDropped tells which commits went with a fall to an older version.
func (n *Node) lookDropped() {
	var told []string
	lost := n.store.Dropped()
	for _, e := range lost[:min(len(lost), maxToldCommits)] {
		told = append(told, e.String())
	}
	if more := len(lost) - len(told); more > 0 {
		told = append(told, fmt.Sprintf("and %d more, named in the log", more))
	}
	n.alarms.Set(xapi.AlarmCommitsDropped, "", len(lost) > 0, strings.Join(told, "; "))
}
