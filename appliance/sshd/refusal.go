package sshd

import (
	"errors"
	"fmt"

	"github.com/pkg/sftp"
)

// refusal is why the folder does not do what was asked for. To a client it is a
// permission denied.
type refusal string

func (r refusal) Error() string { return string(r) }

func (r refusal) Unwrap() error { return sftp.ErrSSHFxPermissionDenied }

// maxTold bounds the refusals that are told in words in one session, so that a
// client which reads none is not waited for.
const maxTold = 50

// refused passes err on and, if it is a refusal, tells of it beside the protocol.
func (v *visit) refused(path string, err error) error {
	var why refusal
	if !errors.As(err, &why) {
		return err
	}
	v.mu.Lock()
	v.told++
	silent := v.told > maxTold
	v.mu.Unlock()
	if !silent {
		fmt.Fprintf(v.words, "%.200q: %s\n", path, why)
	}
	return err
}
