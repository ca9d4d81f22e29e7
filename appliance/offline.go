package appliance

import (
	"errors"
	"io"
	"os"

	"sallyport/appliance/backup"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// EditOffline changes the configuration in the data directory of a node that
// does not run: what recovery does. Like every change it is a revision in the
// journal. It needs nothing but the store, so it works while certificates,
// network or state are broken. v may be nil, as in Config.
func EditOffline(dir string, role xapi.Role, v Vault, who config.Who, f func(*config.Edit) error) error {
	n := &Node{cfg: Config{Role: role, Dir: dir, Vault: v}}
	s, err := n.openConfig()
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.Edit(who, f)
	return err
}

// OpenBackup reads a backup and tells of which role its node is.
func OpenBackup(r io.Reader, passphrase string) (*backup.Archive, xapi.Role, error) {
	a, err := backup.Read(r, passphrase)
	if err != nil {
		return nil, 0, err
	}
	for _, role := range []xapi.Role{xapi.Edge, xapi.Core} {
		if role.String() == a.Header.Role {
			return a, role, nil
		}
	}
	return nil, 0, errors.New("the backup names no role that is known here")
}

// RestoreOffline makes the node in dir, which does not run, what a backup says.
// agreed is shown what would change and decides; nothing is changed before it
// says yes. A configuration that is damaged does not keep the backup from
// being restored.
func RestoreOffline(dir string, role xapi.Role, v Vault, a *backup.Archive, agreed func(*Restore) bool) error {
	n := &Node{cfg: Config{Role: role, Dir: dir, Vault: v}}
	if err := os.MkdirAll(n.path("files"), 0o700); err != nil {
		return err
	}
	store, err := n.openWhole()
	if err != nil {
		return err
	}
	r, err := planRestore(a, store, dir)
	if err := errors.Join(err, store.Close()); err != nil {
		return err
	}
	if !agreed(r) {
		return nil
	}
	if err := r.lay(dir); err != nil {
		return err
	}
	return n.finishRestore()
}

// WouldDrop lists the commits in dir that a version from before the store's
// newest schema would go on without.
func WouldDrop(dir string) ([]config.Entry, error) {
	return config.WouldDrop((&Node{cfg: Config{Dir: dir}}).path("config.db"))
}
