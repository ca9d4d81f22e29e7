package appliance

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/appliance/backup"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

const phrase = "correct horse battery"

// text is what a line answers, whether it succeeds or not.
func text(t *testing.T, n *Node, line string) string {
	t.Helper()
	var out strings.Builder
	c := n.Console("test")
	defer c.Close()
	c.Exec(t.Context(), line, &out)
	return out.String()
}

// again opens the node anew, as a restart does.
func again(t *testing.T, n *Node) *Node {
	t.Helper()
	n.Close()
	next, err := New(n.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(next.Close)
	return next
}

// whole is a node with something of each kind to lose.
func whole(t *testing.T) *Node {
	n := node(t, xapi.Edge, `xConfiguration SystemUnit Name: "gate"`,
		`xConfiguration Authentication Account Admin Account 1 Name: "admin"`, `xConfiguration Authentication Account Admin Account 1 Password: "very secret"`)
	if err := os.WriteFile(n.path("trust/ca.pem"), []byte("authorities of old\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return n
}

// move hands a file of one node's folder to another's.
func move(t *testing.T, from, to *Node, name string) {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(from.Folder(), name))
	if err != nil {
		t.Fatal(err)
	}
	write(t, to, name, string(b))
}

// TestRestoreRebuildsABox makes another machine the one that was lost.
func TestRestoreRebuildsABox(t *testing.T) {
	old := whole(t)
	exec(t, old, `xCommand SystemBackup Passphrase: "`+phrase+`" File: "b.age"`)
	sealed, _ := os.ReadFile(filepath.Join(old.Folder(), "b.age"))
	if bytes.Contains(sealed, []byte("gate")) || bytes.Contains(sealed, []byte("authorities")) {
		t.Error("the backup can be read")
	}
	fresh := node(t, xapi.Edge, `xConfiguration IP DNS Hostname: "fresh"`)
	move(t, old, fresh, "b.age")
	before := fresh.store.Snapshot().Rev()
	got := text(t, fresh, `xCommand SystemRestoreTest File: "b.age" Passphrase: "`+phrase+`"`)
	for _, want := range []string{`+ SystemUnit Name: \"gate\"`, `- IP DNS Hostname: \"fresh\"`, "trust/ca.pem: added", "ssh_host_key: replaced"} {
		if !strings.Contains(got, want) {
			t.Errorf("the difference lacks %s:\n%s", want, got)
		}
	}
	if strings.Contains(got, "argon2id") || fresh.store.Snapshot().Rev() != before {
		t.Errorf("a test showed a secret or changed something:\n%s", got)
	}
	exec(t, fresh, `xCommand SystemRestore File: "b.age" Passphrase: "`+phrase+`" !`)
	fresh = again(t, fresh)
	snap := fresh.store.Snapshot()
	if snap.Str(xapi.SystemUnitName) != "gate" || snap.IsSet(xapi.IPDNSHostname.Item) || len(snap.Unreadable()) > 0 ||
		!config.VerifyPassword(snap.Secret(xapi.AdminAccountPassword, 1), "very secret") {
		t.Error("the configuration is not the old one")
	}
	if b, _ := os.ReadFile(fresh.path("trust/ca.pem")); string(b) != "authorities of old\n" {
		t.Errorf("trust %q", b)
	}
	if got := text(t, fresh, `xCommand SystemRestore File: "b.age" Passphrase: "`+phrase+`" !`); !strings.Contains(got, "already") {
		t.Errorf("the second time: %s", got)
	}
	if _, err := os.Stat(fresh.path(restoreReady)); !errors.Is(err, os.ErrNotExist) {
		t.Error("it would be restored again")
	}
}

// TestRestoreSurvivesPowerCuts ends the work after each of its steps.
func TestRestoreSurvivesPowerCuts(t *testing.T) {
	old := whole(t)
	a, _, err := old.archive()
	if err != nil {
		t.Fatal(err)
	}
	n := node(t, xapi.Edge)
	r, err := planRestore(a, n.store, n.cfg.Dir)
	if err != nil {
		t.Fatal(err)
	}
	os.MkdirAll(n.path(restoreNew), 0o700) // half laid down
	os.WriteFile(n.path(restoreNew+"/configuration"), []byte("xConfiguration SystemUnit Name: half"), 0o600)
	n = again(t, n)
	if n.store.Snapshot().Str(xapi.SystemUnitName) != "" {
		t.Error("half a restore was taken")
	}
	if err := r.lay(n.cfg.Dir); err != nil {
		t.Fatal(err)
	}
	kept := t.TempDir()
	os.CopyFS(kept, os.DirFS(n.path(restoreReady)))
	for range 2 { // the second start finds the configuration done and the files not
		n = again(t, n)
		if n.store.Snapshot().Str(xapi.SystemUnitName) != "gate" {
			t.Error("not restored")
		}
		if b, _ := os.ReadFile(n.path("trust/ca.pem")); len(b) == 0 {
			t.Error("files not restored")
		}
		os.Remove(n.path("trust/ca.pem"))
		os.CopyFS(n.path(restoreReady), os.DirFS(kept))
	}
}

func TestRestoreIsRefusedPolitely(t *testing.T) {
	old := whole(t)
	good, _, err := old.archive()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*backup.Archive)
		why    string
	}{
		"other role": {func(a *backup.Archive) { a.Header.Role = "core" }, "this one is edge"},
		"row of a newer version": {func(a *backup.Archive) {
			a.Header.Version, a.Configuration = "v9", []byte("xConfiguration SystemUnit Flux: 3\n")
		}, "made by version v9"},
		"file of a newer version": {func(a *backup.Archive) { a.Files = map[string][]byte{"seal.key": nil} }, "no place for"},
	} {
		a := *good
		c.change(&a)
		n := node(t, xapi.Edge)
		if _, err := planRestore(&a, n.store, n.cfg.Dir); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: %v", name, err)
		}
	}
	n := node(t, xapi.Edge)
	write(t, n, "bad.age", "garbage")
	exec(t, n, `xCommand SystemBackup Passphrase: "`+phrase+`" File: "b.age"`)
	for line, want := range map[string]string{
		`xCommand SystemRestore File: "bad.age" Passphrase: "x" !`:       "no backup",
		`xCommand SystemRestore File: "b.age" Passphrase: "wrong one" !`: "does not open",
		`xCommand SystemRestore File: "none.age" Passphrase: "x" !`:      "not in the sftp folder",
		`xCommand SystemBackup Passphrase: "short"`:                      "Passphrase",
		`xCommand SystemBackup Passphrase: "long enough" File: "../x"`:   "without a path",
	} {
		if got := text(t, n, line); !strings.Contains(got, want) {
			t.Errorf("%s: %s", line, got)
		}
	}
}

// TestRefusedAtTheStart has the version go down between the command and the
// restart.
func TestRefusedAtTheStart(t *testing.T) {
	n := whole(t)
	os.MkdirAll(n.path(restoreReady), 0o700)
	os.WriteFile(n.path("restore/configuration"), []byte("xConfiguration SystemUnit Flux: 3\n"), 0o600)
	n = again(t, n)
	n.look()
	if n.store.Snapshot().Str(xapi.SystemUnitName) != "gate" || !strings.Contains(raised(n), "15023") {
		t.Errorf("alarms %s", raised(n))
	}
}

// TestRestoreOfADamagedStore is what the serial line does when nothing else
// goes.
func TestRestoreOfADamagedStore(t *testing.T) {
	old := whole(t)
	a, _, err := old.archive()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := backup.Write(&b, a, phrase); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "config.db"), bytes.Repeat([]byte("damage"), 4096), 0o600)
	opened, role, err := OpenBackup(&b, phrase)
	if err != nil || role != xapi.Edge {
		t.Fatal(role, err)
	}
	if err := RestoreOffline(dir, role, nil, opened, func(*Restore) bool { return true }); err != nil {
		t.Fatal(err)
	}
	n, err := New(Config{Role: xapi.Edge, Dir: dir, Name: "edge"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if n.store.Snapshot().Str(xapi.SystemUnitName) != "gate" {
		t.Error("not restored")
	}
}
