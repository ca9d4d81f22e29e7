package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jedisct1/go-minisign"

	"sallyport/rootfs"
)

// maxKeys is how many public keys an image may carry; with three, two can
// replace the third.
const maxKeys = 3

func (o order) publicKeys(key minisign.PrivateKey) ([]string, error) {
	keys := []string{rootfs.PublicKey(key)}
	for text := range strings.SplitSeq(o.extra, ",") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		if _, err := minisign.NewPublicKey(text); err != nil {
			return nil, fmt.Errorf("public key %q: %w", text, err)
		}
		keys = append(keys, text)
	}
	if len(keys) > maxKeys {
		return nil, errors.New("an image carries at most three public keys")
	}
	return keys, nil
}
