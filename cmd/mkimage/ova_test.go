package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOVA reads the file as an importer does: descriptor first, hashes right,
// sizes right, and the disk the one that went in.
func TestOVA(t *testing.T) {
	_, files := contents(t)
	raw := disk(t, files)
	size, _ := raw.Seek(0, io.SeekEnd)
	name := filepath.Join(t.TempDir(), "box.ova")
	out, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := formOf(name)(out, raw, size); err != nil {
		t.Fatal(err)
	}
	out.Seek(0, io.SeekStart)
	parts := map[string][]byte{}
	var order []string
	for r := tar.NewReader(out); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, h.Name)
		parts[h.Name], _ = io.ReadAll(r)
	}
	if !slices.Equal(order, []string{ovfName, manifest, diskName}) {
		t.Error(order)
	}
	for _, part := range []string{ovfName, diskName} {
		if want := fmt.Sprintf("SHA256(%s)= %x\n", part, sha256.Sum256(parts[part])); !strings.Contains(string(parts[manifest]), want) {
			t.Errorf("the manifest lacks %s", want)
		}
	}
	if ovf := string(parts[ovfName]); !strings.Contains(ovf, fmt.Sprintf(`ovf:size="%d"`, len(parts[diskName]))) || !strings.Contains(ovf, fmt.Sprintf(`ovf:capacity="%d"`, size)) {
		t.Errorf("sizes:\n%s", ovf)
	}
	for d := xml.NewDecoder(bytes.NewReader(parts[ovfName])); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	qemu, err := exec.LookPath("qemu-img")
	if err != nil {
		t.Skip("qemu-img is missing: apt-get install qemu-utils")
	}
	vmdk := filepath.Join(t.TempDir(), diskName)
	os.WriteFile(vmdk, parts[diskName], 0o600)
	if text, err := exec.Command(qemu, "check", vmdk).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	if text, err := exec.Command(qemu, "compare", vmdk, raw.Name()).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}
