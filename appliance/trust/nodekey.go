package trust

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
)

// NodeKey returns the Ed25519 key that is this node towards its peers, made at
// the first call and kept from then on. Its public half is exchanged over the
// authenticated link, so no authority needs to know it.
func (t *Trust) NodeKey(rand io.Reader) (ed25519.PrivateKey, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	b, err := t.readFile(nodeFile)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return t.newNodeKeyLocked(rand)
	}
	key, err := parseKey(b)
	if err != nil {
		return nil, fmt.Errorf("trust: %s: %w", nodeFile, err)
	}
	ed, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("trust: " + nodeFile + ": not an Ed25519 key")
	}
	return ed, nil
}

func (t *Trust) newNodeKeyLocked(rand io.Reader) (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand)
	if err != nil {
		return nil, fmt.Errorf("trust: node key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("trust: node key: %w", err)
	}
	return key, t.writeFile(nodeFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
