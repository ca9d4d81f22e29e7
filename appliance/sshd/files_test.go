package sshd

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

func (b *bench) sftp() *sftp.Client {
	b.t.Helper()
	c, err := sftp.NewClient(b.login())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	return c
}

func put(c *sftp.Client, name string, data []byte) error {
	f, err := c.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

func get(c *sftp.Client, name string) ([]byte, error) {
	f, err := c.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

func TestFilesInAndOut(t *testing.T) {
	b := start(t)
	c := b.sftp()
	data := bytes.Repeat([]byte("certificate\n"), 10000)
	if err := put(c, "server.pem", data); err != nil {
		t.Fatal(err)
	}
	if got, err := get(c, "/server.pem"); err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if err := put(c, "server.pem", []byte("short")); err != nil {
		t.Fatal(err)
	}
	if got, _ := get(c, "server.pem"); string(got) != "short" {
		t.Errorf("overwriting left %q", got)
	}
	if err := c.Rename("server.pem", "old.pem"); err != nil {
		t.Error(err)
	}
	if err := c.Truncate("old.pem", 2); err != nil {
		t.Error(err)
	}
	if got, _ := get(c, "old.pem"); string(got) != "sh" {
		t.Errorf("shortening left %q", got)
	}
	list, err := c.ReadDir(".")
	if err != nil || len(list) != 1 || list[0].Name() != "old.pem" {
		t.Errorf("list: %v, %v", list, err)
	}
	if err := c.Remove("old.pem"); err != nil {
		t.Error(err)
	}
}

func TestFilesCannotEscape(t *testing.T) {
	b := start(t)
	c := b.sftp()
	folder := filepath.Join(b.dir, "files")
	if err := os.WriteFile(filepath.Join(b.dir, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("../secret", filepath.Join(folder, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(folder, "dir"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../secret", "/../secret", "dir/../../secret"} {
		if got, err := get(c, name); err == nil && string(got) != "stays inside" {
			t.Errorf("read %q: %q", name, got)
		}
		put(c, name, []byte("stays inside"))
	}
	for _, name := range []string{"../../etc/passwd", "/etc/passwd", "link", "./link", "a/b", `..\secret`, ".", "/", "..", "dir", ".hidden", "a\x00b", "a\nb", strings.Repeat("x", maxName+1)} {
		if got, err := get(c, name); err == nil {
			t.Errorf("read %q: %q", name, got)
		}
		if err := put(c, name, []byte("x")); err == nil {
			t.Errorf("wrote %q", name)
		}
		if err := c.Remove(name); err == nil {
			t.Errorf("removed %q", name)
		}
	}
	put(c, "plain", []byte("x"))
	for name, err := range map[string]error{
		"symlink":        c.Symlink("/etc/passwd", "s"),
		"hard link":      c.Link("plain", "s"),
		"mkdir":          c.Mkdir("d"),
		"rename out":     c.Rename("plain", "../plain"),
		"rename deep":    c.Rename("plain", "dir/plain"),
		"rename link":    c.Rename("link", "mine"),
		"onto directory": c.PosixRename("plain", "dir"),
		"truncate":       c.Truncate("plain", 1<<40),
	} {
		if err == nil {
			t.Errorf("%s went well", name)
		}
	}
	if got, _ := os.ReadFile(filepath.Join(b.dir, "secret")); string(got) != "secret" {
		t.Errorf("the file outside is now %q", got)
	}
	if _, err := c.ReadLink("link"); err == nil {
		t.Error("a link was read")
	}
}

// TestRefusalInWords: clients show nothing but the code, so the words go to where
// they print what comes beside the protocol.
func TestRefusalInWords(t *testing.T) {
	b := start(t)
	ses, err := b.login().NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, _ := ses.StdinPipe()
	out, _ := ses.StdoutPipe()
	words, _ := ses.StderrPipe()
	if err := ses.RequestSubsystem("sftp"); err != nil {
		t.Fatal(err)
	}
	c, err := sftp.NewClientPipe(out, in)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(words)
	for _, ask := range []struct {
		do   func() error
		want string
	}{
		{func() error { return put(c, "/etc/x", nil) }, `"/etc/x": there is one folder only: give a plain file name`},
		{func() error { return put(c, ".x", nil) }, `"/.x": a name may not begin with a dot`},
		{func() error { return c.Mkdir("q") }, `"/q": there are plain files only, no folders and links`},
	} {
		if err := ask.do(); !errors.Is(err, os.ErrPermission) {
			t.Errorf("got %v, want a permission denied", err)
		}
		if lines.Scan(); lines.Text() != ask.want {
			t.Errorf("got %q, want %q", lines.Text(), ask.want)
		}
	}
	c.Close()
}

func TestFilesAreBounded(t *testing.T) {
	b := start(t)
	c := b.sftp()
	f, err := c.Create("big")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("x"), maxFile); err == nil {
		t.Error("a file beyond the limit")
	}
	f.Close()
	for i := range maxFiles {
		put(c, "f"+strings.Repeat("x", i), nil)
	}
	if err := put(c, "one-more", nil); err == nil {
		t.Error("more files than allowed")
	}
	var open []*sftp.File
	for range maxHandles + 1 {
		if f, err := c.Open("f"); err == nil {
			open = append(open, f)
		}
	}
	if len(open) != maxHandles {
		t.Errorf("%d files open at once, want %d", len(open), maxHandles)
	}
	for _, f := range open {
		f.Close()
	}
}

// TestUploadThatBreaksOff: half a certificate, list or backup is nothing that a
// command should find under its name.
func TestUploadThatBreaksOff(t *testing.T) {
	b := start(t)
	conn := b.login()
	c, err := sftp.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	f, err := c.Create("list.csv")
	if err == nil {
		_, err = f.Write([]byte("one line\nanother li"))
	}
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	left := filepath.Join(b.dir, "files", "list.csv")
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(left); errors.Is(err, os.ErrNotExist) {
			break
		}
		if time.Now().After(end) {
			t.Fatal("half a file stays")
		}
	}
	if err := put(b.sftp(), "list.csv", []byte("whole")); err != nil {
		t.Error(err)
	}
}
