// Package backup is the file in which a node is kept elsewhere: a tar archive
// in an age file under a passphrase, so that the age tool opens it too. It
// knows the format and its bounds; what goes in and what comes of it the node
// decides.
//
//	backup.json     what the backup says of itself
//	configuration   xConfiguration lines, passwords in clear
//	files/NAME      what else makes the node: certificates, keys
package backup

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
)

// Format is the newest format that is known here.
const Format = 1

// Header is what a backup says of itself.
type Header struct {
	Format   int       `json:"format"`
	Role     string    `json:"role"`
	Name     string    `json:"name"`
	Version  string    `json:"version"` // of the software that made it
	Revision int       `json:"revision"`
	Made     time.Time `json:"made"`
}

// Archive is a backup opened.
type Archive struct {
	Header        Header
	Configuration []byte
	Files         map[string][]byte // by path below the node's folder: "trust/server.pem"
}

// What no backup exceeds: its text is a few hundred thousand rows at most.
const (
	maxConfiguration = 64 << 20
	maxFile          = 4 << 20
	maxFiles         = 64
	maxHeader        = 64 << 10
)

// workFactor is the cost of one guess at the passphrase, as the power of two
// that scrypt takes: 64 MiB and a quarter of a second. A box of 512 MiB must
// bear it beside its work.
const (
	workFactor    = 16
	maxWorkFactor = 17 // 128 MiB: more is a file made to exhaust the box
)

// MinPassphrase is how long a passphrase must be, in bytes.
const MinPassphrase = 8

// Write encrypts the archive. The same archive gives other bytes each time.
func Write(w io.Writer, a *Archive, passphrase string) error {
	if len(passphrase) < MinPassphrase {
		return fmt.Errorf("the passphrase needs %d characters", MinPassphrase)
	}
	who, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return err
	}
	who.SetWorkFactor(workFactor)
	sealed, err := age.Encrypt(w, who)
	if err != nil {
		return err
	}
	if err := a.write(tar.NewWriter(sealed)); err != nil {
		return err
	}
	return sealed.Close()
}

func (a *Archive) write(t *tar.Writer) error {
	a.Header.Format = Format
	header, err := json.MarshalIndent(a.Header, "", "  ")
	if err != nil {
		return err
	}
	put := func(name string, data []byte) error {
		h := &tar.Header{Name: name, Mode: 0o600, Size: int64(len(data)), ModTime: a.Header.Made, Format: tar.FormatUSTAR}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		_, err := t.Write(data)
		return err
	}
	if err := errors.Join(put("backup.json", header), put("configuration", a.Configuration)); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(a.Files)) {
		if err := put("files/"+name, a.Files[name]); err != nil {
			return err
		}
	}
	return t.Close()
}

// ErrPassphrase is a passphrase that does not open the file.
var ErrPassphrase = errors.New("the passphrase does not open this backup")

// Read opens a backup whole. What is cut, changed, or of a newer format is an
// error.
func Read(r io.Reader, passphrase string) (*Archive, error) {
	who, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, ErrPassphrase
	}
	who.SetMaxWorkFactor(maxWorkFactor)
	open, err := age.Decrypt(r, who)
	if wrong := new(age.NoIdentityMatchError); errors.As(err, &wrong) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("this is no backup: %w", err)
	}
	a, err := read(tar.NewReader(open))
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if _, err := io.Copy(io.Discard, io.LimitReader(open, maxFile)); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	return a, nil
}

func read(t *tar.Reader) (*Archive, error) {
	a := &Archive{Files: map[string][]byte{}}
	header, err := member(t, "backup.json", maxHeader)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(header, &a.Header); err != nil {
		return nil, err
	}
	if a.Header.Format < 1 || a.Header.Format > Format {
		return nil, fmt.Errorf("it was made by version %s in format %d, and this version knows formats up to %d: upgrade first, then restore", a.Header.Version, a.Header.Format, Format)
	}
	if a.Configuration, err = member(t, "configuration", maxConfiguration); err != nil {
		return nil, err
	}
	return a, a.readFiles(t)
}

func (a *Archive) readFiles(t *tar.Reader) error {
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(h.Name, "files/")
		if !ok || !plain(name) || h.Typeflag != tar.TypeReg || h.Size > maxFile || len(a.Files) == maxFiles || a.Files[name] != nil {
			return fmt.Errorf("%.100q does not belong there", h.Name)
		}
		if a.Files[name], err = content(t, h.Size); err != nil {
			return err
		}
	}
}

// plain reports whether a name stays below the folder that it is put into.
func plain(name string) bool {
	return name != "" && path.Clean(name) == name && !path.IsAbs(name) && name != ".." && !strings.HasPrefix(name, "../") && !strings.ContainsAny(name, "\\\x00")
}

func member(t *tar.Reader, name string, most int64) ([]byte, error) {
	h, err := t.Next()
	if err != nil {
		return nil, err
	}
	if h.Name != name || h.Size > most {
		return nil, fmt.Errorf("%.100q stands where %s should", h.Name, name)
	}
	return content(t, h.Size)
}

// content reads as much as there is, not as much as is announced.
func content(t *tar.Reader, size int64) ([]byte, error) {
	var b bytes.Buffer
	n, err := io.Copy(&b, t)
	if err == nil && n != size {
		err = io.ErrUnexpectedEOF
	}
	return b.Bytes(), err
}
