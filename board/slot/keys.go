package slot

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedisct1/go-minisign"
)

// verify returns which of the keys signed the text. A signature that is there
// must fit, and one must be there. A file of several signatures has them one
// after the other, each of four lines.
func verify(text, signatures []byte, keys []string) (signers []string, err error) {
	for sig := range eachSignature(string(signatures)) {
		key, err := keyOf(text, sig, keys)
		if err != nil {
			return nil, err
		}
		if key != "" && !slices.Contains(signers, key) {
			signers = append(signers, key)
		}
	}
	if len(signers) == 0 {
		return nil, errors.New("the update is signed by none of the keys that this system trusts")
	}
	return signers, nil
}

// maxSignatures is how many keys there can be.
const maxSignatures = 3

func eachSignature(text string) func(yield func(string) bool) {
	lines := strings.SplitAfter(strings.TrimRight(text, "\n"), "\n")
	return func(yield func(string) bool) {
		for sig := range slices.Chunk(lines[:min(len(lines), 4*maxSignatures)], 4) {
			if !yield(strings.TrimRight(strings.Join(sig, ""), "\n") + "\n") {
				return
			}
		}
	}
}

// keyOf is the key that a signature was made with; "" is a stranger's.
func keyOf(text []byte, signature string, keys []string) (string, error) {
	sig, err := minisign.DecodeSignature(signature)
	if err != nil {
		return "", fmt.Errorf("signature: %w", err)
	}
	for _, k := range keys {
		public, err := minisign.NewPublicKey(k)
		if err != nil || public.KeyId != sig.KeyId {
			continue
		}
		if ok, err := public.Verify(text, sig); ok && err == nil {
			return k, nil
		}
		return "", errors.New("the signature does not fit: the update was changed on its way")
	}
	return "", nil
}

// judgeKeys lets an update change the keys only if two of the present ones
// want it; where there is but one, that one.
func (s *Slots) judgeKeys(m Manifest, signers []string) error {
	if sameKeys(m.Keys, s.Release.Keys) {
		return nil
	}
	if len(m.Keys) == 0 || len(m.Keys) > maxSignatures {
		return fmt.Errorf("the update would leave %d keys; there must be one to three", len(m.Keys))
	}
	for _, k := range m.Keys {
		if _, err := minisign.NewPublicKey(k); err != nil {
			return fmt.Errorf("the update's key %q: %w", k, err)
		}
	}
	if need := min(2, len(s.Release.Keys)); len(signers) < need {
		return fmt.Errorf("the update changes the keys that this system trusts: %d of them must have signed it, %d has", need, len(signers))
	}
	return nil
}

func sameKeys(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}
