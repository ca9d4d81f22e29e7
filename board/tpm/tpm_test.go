package tpm

import (
	"bytes"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-tpm/tpm2"
	"github.com/google/go-tpm/tpm2/transport"
)

// chip plays a TPM by swtpm until the test ends.
func chip(t *testing.T) TPM {
	t.Helper()
	program, err := exec.LookPath("swtpm")
	if err != nil {
		t.Skip("swtpm is missing: apt-get install swtpm")
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "s")
	cmd := exec.Command(program, "socket", "--tpm2", "--tpmstate", "dir="+dir, "--server", "type=unixio,path="+socket, "--flags", "not-need-init,startup-clear")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	var c net.Conn
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if c, err = net.Dial("unix", socket); err == nil {
			break
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { c.Close() }) // swtpm ends with its only connection
	return TPM{Open: func() (transport.TPMCloser, error) { return transport.FromReadWriteCloser(kept{c}), nil }}
}

// kept outlives one act.
type kept struct{ net.Conn }

func (kept) Close() error { return nil }

func TestSealAndClear(t *testing.T) {
	c := chip(t)
	key := bytes.Repeat([]byte{7, 8}, 16)
	blob, err := c.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(blob, key) || len(blob) > MaxBlob {
		t.Error("the key lies in what was sealed")
	}
	for range 5 { // nothing is left in the chip, which has room for three
		if got, err := c.Unseal(blob); err != nil || !bytes.Equal(got, key) {
			t.Fatal(got, err)
		}
	}
	changed := bytes.Clone(blob)
	changed[len(changed)-1] ^= 1
	if _, err := c.Unseal(changed); err == nil {
		t.Error("a changed blob was opened")
	}
	if _, err := chip(t).Unseal(blob); err == nil {
		t.Error("another chip opened it")
	}
	raw, _ := c.Open()
	if _, err := (tpm2.Clear{AuthHandle: tpm2.TPMRHLockout}).Execute(raw); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Unseal(blob); err == nil {
		t.Error("a chip that was cleared opened it")
	}
	again, err := c.Seal(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := c.Unseal(again); err != nil || !bytes.Equal(got, key) {
		t.Error(got, err)
	}
}

func TestBounds(t *testing.T) {
	var c TPM
	if _, err := c.Seal(make([]byte, MaxKey+1)); err == nil {
		t.Error("too much was taken")
	}
	for _, b := range [][]byte{nil, {form}, {2, 0, 0, 0, 0}, make([]byte, MaxBlob+1), {form, 0, 9, 0, 0}} {
		if _, err := c.Unseal(b); err != errBlob {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte{form, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) { parse(b) })
}
