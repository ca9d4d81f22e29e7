package appliance

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"sallyport/appliance/alarm"
	"sallyport/appliance/config"
	"sallyport/appliance/xapi"

	"log/slog"
)

// chip plays a TPM: what it seals opens until it is cleared.
type chip struct {
	era   byte
	trial bool
	off   bool
}

func (c *chip) Seal(key []byte) ([]byte, error) {
	if c.trial || c.off {
		return nil, errors.New("not now")
	}
	blob := []byte{c.era}
	for _, b := range key {
		blob = append(blob, b^0x5A)
	}
	return blob, nil
}

func (c *chip) Unseal(blob []byte) ([]byte, error) {
	if c.off || len(blob) == 0 || blob[0] != c.era {
		return nil, errors.New("cleared since")
	}
	key := bytes.Clone(blob[1:])
	for i := range key {
		key[i] ^= 0x5A
	}
	return key, nil
}

// box is a node's folder through several starts.
type vaultBox struct {
	t     *testing.T
	dir   string
	now   time.Time
	node  *Node
	store *config.Store
}

func (b *vaultBox) start(v Vault) {
	b.t.Helper()
	if b.store != nil {
		b.store.Close()
	}
	b.node = &Node{cfg: Config{Role: xapi.Core, Dir: b.dir, Vault: v, Clock: func() time.Time { return b.now }}, log: slog.New(slog.DiscardHandler), alarms: alarm.NewBook(time.Now)}
	var err error
	if b.store, err = b.node.openConfig(); err != nil {
		b.t.Fatal(err)
	}
	b.look()
}

// look is done some while later.
func (b *vaultBox) look() {
	b.now = b.now.Add(2 * sealAgain)
	b.node.lookVault(b.store.Snapshot())
}

func (b *vaultBox) set(password string) {
	b.t.Helper()
	if _, err := b.store.Edit(config.Who{User: "admin"}, func(e *config.Edit) error {
		return errors.Join(e.Set("Authentication Credential 1 Name", "alice"), e.Set("Authentication Credential 1 Password", password))
	}); err != nil {
		b.t.Fatal(err)
	}
}

// expect compares the password, where the key is, the files, and the alarm.
func (b *vaultBox) expect(password, where string, plain, sealed, alarmed bool) {
	b.t.Helper()
	if got := b.store.Snapshot().Secret(xapi.CredentialPassword, 1); got != password {
		b.t.Errorf("the password is %q, want %q", got, password)
	}
	if got := b.node.keyPlace(); got != where {
		b.t.Errorf("the key is in %q, want %q", got, where)
	}
	there := func(name string) bool { _, err := os.Stat(filepath.Join(b.dir, name)); return err == nil }
	if there(keyFile) != plain || there(sealedFile) != sealed {
		b.t.Errorf("%s %v, want %v; %s %v, want %v", keyFile, there(keyFile), plain, sealedFile, there(sealedFile), sealed)
	}
	if got := len(b.node.alarms.List()) > 0; got != alarmed {
		b.t.Errorf("alarms: %v", b.node.alarms.List())
	}
}

// TestVaultTakesTheKey moves the key of an older release into a TPM once the
// release is known to be good.
func TestVaultTakesTheKey(t *testing.T) {
	b, c := &vaultBox{t: t, dir: t.TempDir()}, &chip{trial: true}
	defer func() { b.store.Close() }()
	b.start(nil)
	b.set("one")
	b.expect("one", onDisk, true, false, false)
	b.start(c)
	b.expect("one", onDisk, true, false, false)
	c.trial = false
	b.look()
	b.expect("one", inTPM, false, true, false)
	b.start(c)
	b.expect("one", inTPM, false, true, false)
}

// TestVaultCleared loses the passwords, says so, and goes on once they are typed
// anew.
func TestVaultCleared(t *testing.T) {
	b, c := &vaultBox{t: t, dir: t.TempDir()}, &chip{}
	defer func() { b.store.Close() }()
	b.start(c)
	b.set("one")
	b.expect("one", inTPM, false, true, false) // it never lay on the disk
	c.era++
	b.start(c)
	b.expect("", onDisk, true, true, true)
	b.start(c)
	b.expect("", onDisk, true, true, true)
	b.set("two")
	b.look()
	b.expect("two", inTPM, false, true, false)
	b.start(c)
	b.expect("two", inTPM, false, true, false)
}

// TestVaultAway has a TPM switched off for a while: nothing is lost, neither
// what was typed before nor what was typed meanwhile.
func TestVaultAway(t *testing.T) {
	b, c := &vaultBox{t: t, dir: t.TempDir()}, &chip{}
	defer func() { b.store.Close() }()
	b.start(c)
	b.set("one")
	c.off = true
	b.start(c)
	b.expect("", onDisk, true, true, true)
	b.start(nil)
	b.expect("", onDisk, true, true, true)
	c.off = false
	b.start(c)
	b.expect("one", inTPM, true, true, false)
	b.start(nil)
	b.set("two")
	b.start(c)
	b.expect("two", inTPM, true, true, false)
}

// TestVaultGone is a board that was replaced by one without a TPM.
func TestVaultGone(t *testing.T) {
	b, c := &vaultBox{t: t, dir: t.TempDir()}, &chip{}
	defer func() { b.store.Close() }()
	b.start(c)
	b.set("one")
	b.start(nil)
	b.expect("", onDisk, true, true, true)
	b.set("two")
	b.look()
	b.expect("two", onDisk, true, false, false)
}
