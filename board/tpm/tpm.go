// Package tpm keeps a key such that only this machine's TPM gives it back: a
// disk that was taken out, or copied, says nothing. It does not ask in which
// state the machine was started, so an update needs no new seal and a whole
// stolen box opens its own.
//
// The steward calls it for the node, and a console for a node that does not run.
package tpm

import (
	"errors"
	"fmt"
	"os"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
	"github.com/google/go-tpm/tpm2/transport/linuxtpm"
)

// Device is the kernel's door to the TPM, which keeps its users apart.
const Device = "/dev/tpmrm0"

// Present reports whether the machine has a TPM 2.0.
func Present() bool {
	_, err := os.Stat(Device)
	return err == nil
}

// TPM is one TPM. It is opened for each act.
type TPM struct {
	Open func() (transport.TPMCloser, error) // nil: Device
}

// Bounds of what is sealed, and of what that becomes.
const (
	MaxKey  = 64
	MaxBlob = 4 << 10
)

// form is the first byte of a blob.
const form = 1

var errBlob = errors.New("this is nothing that a TPM has sealed")

// Seal makes of a key what only this TPM opens again. A TPM that is cleared
// opens nothing that was sealed before.
func (t TPM) Seal(key []byte) (blob []byte, err error) {
	if len(key) == 0 || len(key) > MaxKey {
		return nil, fmt.Errorf("a key of %d bytes is not sealed", len(key))
	}
	err = t.with(func(c transport.TPM, root parent) error {
		made, err := tpm2.Create{
			ParentHandle: root.auth(in()),
			InSensitive: tpm2.TPM2BSensitiveCreate{Sensitive: &tpm2.TPMSSensitiveCreate{
				Data: tpm2.NewTPMUSensitiveCreate(&tpm2.TPM2BSensitiveData{Buffer: key}),
			}},
			InPublic: tpm2.New2B(tpm2.TPMTPublic{
				Type: tpm2.TPMAlgKeyedHash, NameAlg: tpm2.TPMAlgSHA256,
				ObjectAttributes: tpm2.TPMAObject{FixedTPM: true, FixedParent: true, UserWithAuth: true, NoDA: true},
			}),
		}.Execute(c)
		if err != nil {
			return fmt.Errorf("seal: %w", err)
		}
		blob = append(append([]byte{form}, tpm2.Marshal(made.OutPublic)...), tpm2.Marshal(made.OutPrivate)...)
		return nil
	})
	return blob, err
}

// Unseal opens what Seal made.
func (t TPM) Unseal(blob []byte) (key []byte, err error) {
	public, private, err := parse(blob)
	if err != nil {
		return nil, err
	}
	err = t.with(func(c transport.TPM, root parent) error {
		loaded, err := tpm2.Load{ParentHandle: root.auth(in()), InPublic: *public, InPrivate: *private}.Execute(c)
		if err != nil {
			return fmt.Errorf("the TPM did not seal this, or was cleared since: %w", err)
		}
		defer tpm2.FlushContext{FlushHandle: loaded.ObjectHandle}.Execute(c)
		opened, err := tpm2.Unseal{ItemHandle: tpm2.AuthHandle{
			Handle: loaded.ObjectHandle, Name: loaded.Name, Auth: root.session(out()),
		}}.Execute(c)
		if err != nil {
			return fmt.Errorf("unseal: %w", err)
		}
		key = opened.OutData.Buffer
		return nil
	})
	return key, err
}

// parse splits a blob; what it holds the TPM checks.
func parse(blob []byte) (*tpm2.TPM2BPublic, *tpm2.TPM2BPrivate, error) {
	if len(blob) < 5 || len(blob) > MaxBlob || blob[0] != form {
		return nil, nil, errBlob
	}
	b := blob[1:]
	first := 2 + int(b[0])<<8 + int(b[1])
	if first+2 > len(b) || first+2+int(b[first])<<8+int(b[first+1]) != len(b) {
		return nil, nil, errBlob
	}
	public, err := tpm2.Unmarshal[tpm2.TPM2BPublic](b[:first])
	if err != nil {
		return nil, nil, errBlob
	}
	private, err := tpm2.Unmarshal[tpm2.TPM2BPrivate](b[first:])
	if err != nil {
		return nil, nil, errBlob
	}
	return public, private, nil
}

// parent is the TPM's root key for storage. It is derived anew each time, and
// is the same until the TPM is cleared.
type parent struct {
	handle tpm2.TPMHandle
	name   tpm2.TPM2BName
	public tpm2.TPMTPublic
}

func (t TPM) with(f func(transport.TPM, parent) error) error {
	open := t.Open
	if open == nil {
		open = func() (transport.TPMCloser, error) { return linuxtpm.Open(Device) }
	}
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close()
	root, err := tpm2.CreatePrimary{PrimaryHandle: tpm2.TPMRHOwner, InPublic: tpm2.New2B(tpm2.ECCSRKTemplate)}.Execute(c)
	if err != nil {
		return fmt.Errorf("the TPM's root key: %w", err)
	}
	defer tpm2.FlushContext{FlushHandle: root.ObjectHandle}.Execute(c)
	public, err := root.OutPublic.Contents()
	if err != nil {
		return err
	}
	return f(c, parent{root.ObjectHandle, root.Name, *public})
}

// auth is the right to use the root key, in a session of its own.
func (p parent) auth(way tpm2.AuthOption) tpm2.AuthHandle {
	return tpm2.AuthHandle{Handle: p.handle, Name: p.name, Auth: p.session(way)}
}

// in and out say which way what is secret goes.
func in() tpm2.AuthOption  { return tpm2.AESEncryption(128, tpm2.EncryptIn) }
func out() tpm2.AuthOption { return tpm2.AESEncryption(128, tpm2.EncryptOut) }

// session hides the key from whoever listens on the wires to the chip.
func (p parent) session(way tpm2.AuthOption) tpm2.Session {
	return tpm2.HMAC(tpm2.TPMAlgSHA256, 16, way, tpm2.Salted(p.handle, p.public))
}
