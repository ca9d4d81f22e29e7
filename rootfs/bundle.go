package rootfs

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/jedisct1/go-minisign"

	"sallyport/board"
	"sallyport/board/slot"
)

// Names in an update, in their order: what proves comes before what is proved,
// so that a box can refuse after the first few hundred bytes.
const (
	ManifestName  = "manifest.json"
	SignatureName = "manifest.json.minisig"
	LinuxName     = "linux"
	InitrdName    = "initrd"
)

// WriteUpdate writes a slot as one file for a running box, signed by each of
// the keys: one, or two where the update changes the keys that a box trusts.
func WriteUpdate(w io.Writer, s Slot, r board.Release, when time.Time, keys ...minisign.PrivateKey) error {
	manifest, err := json.MarshalIndent(slot.Manifest{
		Version: r.Version, Counter: r.Counter, Commit: r.Commit, Board: r.Board, Arch: r.Arch,
		Development: r.Development, Linux: part(s.Linux), Initrd: part(s.Initrd), Keys: r.Keys, More: moreParts(s.More),
	}, "", "  ")
	if err != nil {
		return err
	}
	signatures, err := sign(manifest, r, keys)
	if err != nil {
		return err
	}
	t := tar.NewWriter(w)
	files := []file{{ManifestName, manifest}, {SignatureName, signatures}, {LinuxName, s.Linux}, {InitrdName, s.Initrd}}
	for _, name := range slices.Sorted(maps.Keys(s.More)) {
		files = append(files, file{name, s.More[name]})
	}
	for _, f := range files {
		h := &tar.Header{Name: f.name, Mode: 0o644, Size: int64(len(f.data)), ModTime: when, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.data); err != nil {
			return err
		}
	}
	return t.Close()
}

// sign puts the signatures one after the other; the minisign tool looks at the
// first.
func sign(manifest []byte, r board.Release, keys []minisign.PrivateKey) (all []byte, err error) {
	for _, key := range keys {
		s, err := key.Sign(manifest, minisign.SignOptions{
			Hashed:         true,
			TrustedComment: fmt.Sprintf("sallyport %s %s %d", r.Board, r.Version, r.Counter),
		})
		if err != nil {
			return nil, err
		}
		all = append(all, bytes.TrimRight(s.Encode(), "\n")...)
		all = append(all, '\n')
	}
	return all, nil
}

type file struct {
	name string
	data []byte
}

func moreParts(files map[string][]byte) map[string]slot.Part {
	if len(files) == 0 {
		return nil
	}
	parts := map[string]slot.Part{}
	for name, data := range files {
		parts[name] = part(data)
	}
	return parts
}

func part(data []byte) slot.Part {
	sum := sha256.Sum256(data)
	return slot.Part{SHA256: hex.EncodeToString(sum[:]), Size: int64(len(data))}
}
