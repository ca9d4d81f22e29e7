package appliance

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

// Vault keeps the key for passwords off the disk: the machine's TPM.
type Vault interface {
	// Seal makes of a key what only this machine can open. It may refuse for
	// now, as while an update is on trial, whose predecessor may not know how.
	Seal(key []byte) (blob []byte, err error)

	// Unseal opens what Seal made, unless the machine is another one or has
	// forgotten.
	Unseal(blob []byte) (key []byte, err error)
}

// Files that hold the key for passwords: as it is, or sealed by the vault.
const (
	keyFile    = "seal.key"
	sealedFile = "seal.tpm"
	keySize    = 32
)

// vault is where this node's key is.
type vault struct {
	mu     sync.Mutex
	key    []byte
	where  string // as xStatus tells it
	sealed bool   // it lies nowhere as it is
	fault  error  // why what was sealed does not open
	next   time.Time
}

const (
	inTPM  = "sealed by the TPM"
	onDisk = "a file on the same disk"
)

var errNoVault = errors.New("this machine has no TPM")

// passwordKeys finds the key for passwords, and one that older passwords may be
// sealed with. A vault that does not open costs nothing but the passwords: a new
// key takes its place, and what was sealed stays where it is, for the vault may
// come back.
func (n *Node) passwordKeys() (key, older []byte, err error) {
	blob, err := os.ReadFile(n.path(sealedFile))
	if errors.Is(err, os.ErrNotExist) {
		return n.firstKey()
	}
	if err != nil {
		return nil, nil, err
	}
	key, fault := n.unseal(blob)
	if fault == nil {
		if older, err = os.ReadFile(n.path(keyFile)); err != nil || len(older) != keySize {
			older = nil
		}
		n.keyIs(key, inTPM, nil)
		return key, older, nil
	}
	key, err = n.secret(keyFile, keySize)
	n.keyIs(key, onDisk, fault)
	return key, nil, err
}

func (n *Node) unseal(blob []byte) ([]byte, error) {
	if n.cfg.Vault == nil {
		return nil, errNoVault
	}
	key, err := n.cfg.Vault.Unseal(blob)
	if err == nil && len(key) != keySize {
		err = fmt.Errorf("the key has %d bytes, want %d", len(key), keySize)
	}
	return key, err
}

// firstKey is that of a node that has sealed none yet.
func (n *Node) firstKey() (key, older []byte, err error) {
	if n.cfg.Vault != nil {
		if _, err := os.Stat(n.path(keyFile)); errors.Is(err, os.ErrNotExist) {
			fresh := make([]byte, keySize)
			rand.Read(fresh)
			if n.sealKey(fresh) == nil { // it never lies on the disk as it is
				return fresh, nil, nil
			}
		}
	}
	if key, err = n.secret(keyFile, keySize); err != nil {
		return nil, nil, err
	}
	n.keyIs(key, onDisk, nil)
	return key, nil, nil // lookVault offers it
}

func (n *Node) keyIs(key []byte, where string, fault error) {
	n.vault.mu.Lock()
	defer n.vault.mu.Unlock()
	n.vault.key, n.vault.where, n.vault.fault = key, where, fault
	n.vault.sealed = where == inTPM
}

// sealKey gives the key to the vault, and takes it off the disk once the vault
// has shown that it gives it back.
func (n *Node) sealKey(key []byte) error {
	blob, err := n.cfg.Vault.Seal(key)
	if err != nil {
		return err
	}
	if back, err := n.unseal(blob); err != nil || !bytes.Equal(back, key) {
		return fmt.Errorf("the TPM does not give back what it sealed: %w", err)
	}
	if err := replaceFile(n.path(sealedFile), blob); err != nil {
		return err
	}
	n.keyIs(key, inTPM, nil)
	return erase(n.path(keyFile))
}

// erase overwrites a small file and removes it; flash may keep a copy all the
// same.
func erase(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteAt(make([]byte, keySize), 0)
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(path))
}

// sealAgain is how often a key that still lies on the disk is offered.
const sealAgain = time.Minute

// lookVault keeps the vault's alarm, and offers it the key while that lies on
// the disk. A sealed key that does not open is given up only once every password
// can be read without it.
func (n *Node) lookVault(snap *config.Snapshot) {
	n.vault.mu.Lock()
	key, fault, sealed := n.vault.key, n.vault.fault, n.vault.sealed
	due := !sealed && !n.cfg.Clock().Before(n.vault.next)
	n.vault.next = n.cfg.Clock().Add(sealAgain)
	n.vault.mu.Unlock()
	if due && (fault == nil || len(snap.Unreadable()) == 0) {
		fault = n.giveKey(key, fault)
	}
	detail := ""
	if fault != nil {
		detail = fault.Error()
	}
	n.alarms.Set(xapi.AlarmVault, "", fault != nil, detail)
}

// giveKey offers the key to the vault; where there is none any more, the file
// stays. It returns what of the fault is left.
func (n *Node) giveKey(key []byte, fault error) error {
	if n.cfg.Vault == nil {
		if fault != nil && os.Remove(n.path(sealedFile)) == nil {
			n.keyIs(key, onDisk, nil)
			return nil
		}
		return fault
	}
	if err := n.sealKey(key); err != nil {
		n.log.Info("the key for passwords stays on the disk", "event", "vault", "why", err)
		return fault
	}
	n.log.Info("the key for passwords was sealed by the TPM", "event", "vault")
	return nil
}

// keyPlace is where the key lies, for xStatus.
func (n *Node) keyPlace() string {
	n.vault.mu.Lock()
	defer n.vault.mu.Unlock()
	return n.vault.where
}
