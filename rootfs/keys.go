package rootfs

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/jedisct1/go-minisign"
	"golang.org/x/crypto/blake2b"
)

// DevelopmentKey reads the key that signs what is no release, from dir (empty
// for the user's configuration folder); the first call makes it. It never lies
// in the tree.
func DevelopmentKey(dir string, random io.Reader) (minisign.PrivateKey, error) {
	if dir == "" {
		home, err := os.UserConfigDir()
		if err != nil {
			return minisign.PrivateKey{}, err
		}
		dir = filepath.Join(home, "sallyport")
	}
	file := filepath.Join(dir, "development.key")
	key, err := minisign.NewPrivateKeyFromFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	text, err := newKey(random)
	if err != nil {
		return key, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return key, err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return key, err
	}
	if key, err = minisign.NewPrivateKeyFromFile(file); err != nil {
		return key, err
	}
	public := fmt.Sprintf("untrusted comment: sallyport development key\n%s\n", PublicKey(key))
	return key, os.WriteFile(filepath.Join(dir, "development.pub"), []byte(public), 0o644)
}

// newKey makes a secret key without a passphrase, as the file that minisign
// writes: algorithms, salt and limits of the unused key derivation, key id,
// secret key, and a checksum over the last two.
func newKey(random io.Reader) ([]byte, error) {
	public, secret, err := ed25519.GenerateKey(random)
	if err != nil {
		return nil, err
	}
	id := blake2b.Sum512(public)
	checked := append([]byte("Ed"), id[:8]...)
	checked = append(checked, secret...)
	sum := blake2b.Sum256(checked)

	b := append([]byte("Ed"), 0, 0, 'B', '2')
	b = append(b, make([]byte, 32+8+8)...)
	b = append(b, checked[2:]...)
	b = append(b, sum[:]...)
	return fmt.Appendf(nil, "untrusted comment: sallyport development secret key\n%s\n",
		base64.StdEncoding.EncodeToString(b)), nil
}

// PublicKey is the line by which a box knows a key.
func PublicKey(key minisign.PrivateKey) string {
	p := key.PublicKey()
	b := append([]byte{}, p.SignatureAlgorithm[:]...)
	b = append(b, p.KeyId[:]...)
	b = append(b, p.PublicKey[:]...)
	return base64.StdEncoding.EncodeToString(b)
}

// KeyID is how minisign prints a key's number.
func KeyID(key minisign.PrivateKey) string {
	return fmt.Sprintf("%016X", binary.LittleEndian.Uint64(key.KeyId[:]))
}
