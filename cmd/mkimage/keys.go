package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jedisct1/go-minisign"

	"sallyport/rootfs"
)

// maxKeys is how many public keys an image may carry; with three, two can
// replace the third.
const maxKeys = 3

// signingKeys are those that sign: of a release the ones that were named, else
// this machine's development key.
func (o order) signingKeys() (keys []minisign.PrivateKey, err error) {
	if o.key == "" {
		key, err := rootfs.DevelopmentKey(o.keyDir, rand.Reader)
		return []minisign.PrivateKey{key}, err
	}
	for name := range words(o.key) {
		key, err := minisign.NewPrivateKeyFromFile(name)
		if err == nil && key.IsEncrypted() {
			err = key.Decrypt(os.Getenv("SALLYPORT_KEY_PASSPHRASE"))
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// publicKeys are those that the image trusts.
func (o order) publicKeys(signing []minisign.PrivateKey) (keys []string, err error) {
	text := o.only
	if text == "" {
		for _, k := range signing {
			keys = append(keys, rootfs.PublicKey(k))
		}
		text = o.extra
	}
	for k := range words(text) {
		if _, err := minisign.NewPublicKey(k); err != nil {
			return nil, fmt.Errorf("public key %q: %w", k, err)
		}
		keys = append(keys, k)
	}
	if len(keys) > maxKeys {
		return nil, errors.New("an image carries at most three public keys")
	}
	return keys, nil
}

// words are the parts of a list with commas.
func words(list string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for w := range strings.SplitSeq(list, ",") {
			if w = strings.TrimSpace(w); w != "" && !yield(w) {
				return
			}
		}
	}
}
