package console

import (
	"errors"
	"fmt"
	"strings"
)

// ErrOlder is an update that is older than what ran here.
var ErrOlder = errors.New("the update is older")

// pick has one of the files that are there chosen.
func (c *Console) pick(prompt string) (string, error) {
	files, err := c.Rescue.Files()
	if err != nil {
		return "", err
	}
	if len(files) == 0 {
		return "", errors.New("there is no such file: put it on the boot partition, or into the sftp folder")
	}
	for _, f := range files {
		fmt.Fprintln(c.Terminal, " ", clean(f))
	}
	return c.Terminal.Line(prompt)
}

// restore brings a node back from a backup; the box may be new.
func (c *Console) restore() error {
	file, err := c.pick("Backup (empty: none): ")
	if err != nil || file == "" {
		return err
	}
	passphrase, err := c.Terminal.Secret("Its passphrase: ")
	if err != nil {
		return err
	}
	s, err := c.Machine.Status()
	if err != nil {
		return err
	}
	if !s.Mounted {
		return errors.New("the data partition is not mounted")
	}
	var became string
	work := func(role string) (err error) {
		became, err = c.Rescue.Restore(role, file, passphrase, func(difference string) bool {
			for line := range strings.Lines(difference) {
				fmt.Fprintln(c.Terminal, clean(strings.TrimRight(line, "\n")))
			}
			return c.sure("restore")
		})
		return err
	}
	if s.Role != "" {
		return c.offline(work)
	}
	if err := work(""); err != nil || became == "" {
		return err
	}
	_, err = c.Machine.Ask("role " + became)
	return err
}

// install is the only way to an older version: whoever stands here types that
// it is meant.
func (c *Console) install() error {
	file, err := c.pick("Update (empty: none): ")
	if err != nil || file == "" {
		return err
	}
	told := int64(-1)
	progress := func(done, all int64) {
		if tenth := done * 10 / max(all, 1); tenth > told {
			told = tenth
			fmt.Fprintf(c.Terminal, "%3d %%\n", tenth*10)
		}
	}
	version, err := c.Rescue.Install(file, false, progress)
	if errors.Is(err, ErrOlder) {
		fmt.Fprintln(c.Terminal, err)
		fmt.Fprintln(c.Terminal, "An older version may have faults that are known by now, and may not read the newest configuration.")
		if !c.sure("downgrade") {
			return nil
		}
		version, err = c.Rescue.Install(file, true, progress)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Terminal, "Version %s starts next.\n", version)
	return nil
}
