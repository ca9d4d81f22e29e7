package boot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// PassphraseFile holds the hash of the passphrase that recovery demands.
const PassphraseFile = DataDir + "/recovery"

// Reset forgets what the level says, of a node that does not run: 1 its
// configuration, 2 everything that it keeps, 3 also what this box is. The
// passphrase of recovery goes with the last.
func Reset(level int) error { return reset(DataDir, level) }

func reset(dir string, level int) error {
	node := filepath.Join(dir, filepath.Base(NodeDir))
	var errs []error
	switch level {
	case 1:
		errs = append(errs, gone(filepath.Join(node, "config.db")))
	case 2, 3:
		errs = append(errs, os.RemoveAll(node), os.MkdirAll(node, 0o700))
	default:
		return fmt.Errorf("there is no level %d", level)
	}
	if level == 3 {
		errs = append(errs, gone(filepath.Join(dir, filepath.Base(RoleFile))), gone(filepath.Join(dir, filepath.Base(PassphraseFile))))
	}
	return errors.Join(errs...)
}

// gone removes a file that may be gone already.
func gone(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
