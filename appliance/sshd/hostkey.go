package sshd

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	gossh "golang.org/x/crypto/ssh"
)

const keyBlock = "PRIVATE KEY"

// hostKey reads the node's Ed25519 host key from file, and makes one the first
// time. A file that is there but cannot be read is an error: a silently new
// key would look like an attack to every administrator.
func hostKey(file string, random io.Reader) (gossh.Signer, error) {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if text, err = newHostKey(random); err == nil {
			err = writeHostKey(file, text)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ssh host key: %w", err)
	}
	signer, err := gossh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("ssh host key %s: %w", file, err)
	}
	return signer, nil
}

func newHostKey(random io.Reader) ([]byte, error) {
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: keyBlock, Bytes: der}), nil
}

// writeHostKey puts the key in place whole or not at all, so that a power cut
// at first boot does not leave half a key behind.
func writeHostKey(file string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".hostkey-*") // 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(text)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}
