package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"sallyport/appliance"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
	"sallyport/board/boot"
)

// rescue works on the files of a node that does not run.
type rescue struct{}

var fromConsole = config.Who{User: "admin", From: "recovery"}

// edit changes the configuration of the node that is stopped.
func (rescue) edit(role string, f func(*config.Edit) error) error {
	r, err := roleOf(role)
	if err != nil {
		return err
	}
	return appliance.EditOffline(boot.NodeDir, r, ownVault(), fromConsole, f)
}

// ResetPassword gives an administrator a password; one that is not there is
// made.
func (r rescue) ResetPassword(role, name, password string) error {
	if password == "" {
		return errors.New("an empty password is none")
	}
	return r.edit(role, func(e *config.Edit) error {
		i := entry(e.Snapshot(), xapi.AdminAccountName, name, 15)
		if i == 0 {
			return errors.New("there is no room for another account")
		}
		prefix := fmt.Sprintf("Authentication Account Admin Account %d ", i)
		return errors.Join(e.Set(prefix+"Name", name), e.Set(prefix+"Password", password), e.Set(prefix+"Enabled", "On"))
	})
}

// AddKey lets the holder of a key in by SSH.
func (r rescue) AddKey(role, key string) error {
	return r.edit(role, func(e *config.Edit) error {
		i := entry(e.Snapshot(), xapi.AdministrationSSHAuthorizedKey, key, 16)
		if i == 0 {
			return errors.New("there is no room for another key")
		}
		return errors.Join(
			e.Set(fmt.Sprintf("Administration SSH AuthorizedKey %d Key", i), key),
			e.Set("Administration SSH Mode", "On"))
	})
}

// entry is the number of the entry that holds text, else the first free one,
// else 0.
func entry(snap *config.Snapshot, row xapi.Str, text string, most int) int {
	taken := map[int]bool{}
	for _, i := range snap.Indexes(row.Item) {
		if snap.Str(row, i) == text {
			return i
		}
		taken[i] = snap.Str(row, i) != ""
	}
	for i := 1; i <= most; i++ {
		if !taken[i] {
			return i
		}
	}
	return 0
}

// SetAddress repairs the network by hand.
func (r rescue) SetAddress(role, lan, address, mask, gateway string) error {
	if lan != "1" && lan != "2" {
		return errors.New("the interface is 1 or 2")
	}
	return r.edit(role, func(e *config.Edit) error {
		errs := []error{e.Set("Ethernet "+lan+" IP V4 Address", address)}
		if mask != "" {
			errs = append(errs, e.Set("Ethernet "+lan+" IP V4 SubnetMask", mask))
		}
		if gateway != "" {
			errs = append(errs, e.Set("IP Gateway", gateway))
		}
		return errors.Join(errs...)
	})
}

// FactoryReset removes what the level says.
func (rescue) FactoryReset(level int) error { return boot.Reset(level) }

// Slots lists what can be started.
func (rescue) Slots() (string, error) {
	slots, err := boot.OwnSlots()
	if err != nil {
		return "", err
	}
	all, err := slots.List()
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintln(&b, s)
	}
	return b.String(), err
}

// ChooseSlot has the boot loader start another.
func (rescue) ChooseSlot(name string) error {
	slots, err := boot.OwnSlots()
	if err != nil {
		return err
	}
	return slots.Choose(name)
}

// Drops lists the commits that a version from before the store's newest schema
// would not have. A store that cannot be read has none to tell.
func (rescue) Drops() (lines []string) {
	lost, err := appliance.WouldDrop(boot.NodeDir)
	if err != nil {
		return nil
	}
	for _, e := range lost {
		lines = append(lines, e.String())
	}
	return lines
}

// passphraseFile holds the hash of the passphrase that recovery demands.
const passphraseFile = boot.PassphraseFile

// PassphraseSet reports whether recovery demands a passphrase.
func (rescue) PassphraseSet() bool {
	_, err := os.Stat(passphraseFile)
	return err == nil
}

// PassphraseFits checks one.
func (rescue) PassphraseFits(p string) bool {
	b, err := os.ReadFile(passphraseFile)
	return err == nil && config.VerifyPassword(strings.TrimSpace(string(b)), p)
}

// SetPassphrase demands one from now on; an empty one demands none.
func (rescue) SetPassphrase(p string) error {
	if p == "" {
		return os.RemoveAll(passphraseFile)
	}
	hash, err := config.HashPassword(p, rand.Reader)
	if err != nil {
		return err
	}
	return os.WriteFile(passphraseFile, []byte(hash+"\n"), 0o600)
}
