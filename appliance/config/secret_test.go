package config

import (
	"bytes"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sallyport/appliance/xapi"
)

func TestSecretsAreSealedAndMasked(t *testing.T) {
	h, path := newHand(), filepath.Join(t.TempDir(), "config.db")
	s := openAt(t, path, testOptions(h))
	c := set(t, s, alice, "Test Upstream 1 Password: Tr0ub4dor", "Authentication Account Admin Account 1 Password: c0rrecthorse")
	sn := s.Snapshot()
	if sn.Secret(testPassword, 1) != "Tr0ub4dor" {
		t.Error("the password does not read back")
	}
	if sn.Text(testPassword.Item, 1) != "***" || strings.Contains(dump(sn), "Tr0ub4dor") || c.Changes[1].After != "***" {
		t.Error("the password is shown")
	}
	hash := sn.Secret(xapi.AdminAccountPassword, 1)
	if !VerifyPassword(hash, "c0rrecthorse") || VerifyPassword(hash, "c0rrecthorsf") || VerifyPassword("", "") || VerifyPassword("", "x") {
		t.Errorf("password check fails on %s", hash)
	}
	var out bytes.Buffer
	if err := s.Export(&out); err != nil {
		t.Fatal(err)
	}
	s.Close()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Tr0ub4dor", "c0rrecthorse", hash} {
		if bytes.Contains(file, []byte(secret)) || strings.Contains(out.String(), secret) {
			t.Errorf("%s stands in the file or export in the clear", secret)
		}
	}
	if !strings.Contains(out.String(), `Test Upstream 1 Password: "{cipher}`) {
		t.Errorf("export lacks the sealed password:\n%s", out.String())
	}
}

func TestTokensBelongToBoxAndRow(t *testing.T) {
	s, _ := openNew(t)
	set(t, s, alice, "Test Upstream 1 Password: pw", "Authentication Account Admin Account 1 Password: pw")
	token, _ := s.Snapshot().raw(testPassword.Item, []int{1})
	set(t, s, alice, "Test Upstream 2 Password: "+token)
	if s.Snapshot().Secret(testPassword, 2) != "pw" {
		t.Error("a token of the same row was not taken")
	}
	foreign := new(ForeignSecretError)
	if _, err := s.Edit(alice, setAll("Authentication Account Admin Account 2 Password: "+token)); !errors.As(err, &foreign) {
		t.Errorf("a token of another row: %v", err)
	}
	opt := testOptions(newHand())
	opt.SealKey = []byte("another key of another box")
	other := openAt(t, filepath.Join(t.TempDir(), "config.db"), opt)
	if _, err := other.Edit(alice, setAll("Test Upstream 1 Password: "+token)); !errors.As(err, &foreign) {
		t.Errorf("a token of another box: %v", err)
	}
}

func TestAnotherKeyIsReported(t *testing.T) {
	path, opt := filepath.Join(t.TempDir(), "config.db"), testOptions(newHand())
	s := openAt(t, path, opt)
	set(t, s, alice, "Test Upstream 1 Password: pw", "SystemUnit Name: box")
	s.Close()
	opt.SealKey = []byte("the key of a new machine")
	s = openAt(t, path, opt)
	sn := s.Snapshot()
	if got := sn.Unreadable(); len(got) != 1 || got[0] != "Test Upstream 1 Password" || sn.Secret(testPassword, 1) != "" {
		t.Errorf("unreadable: %q", got)
	}
	if sn.Str(xapi.SystemUnitName) != "box" {
		t.Error("the rest is lost")
	}
	opt.SealKey = nil
	s.Close()
	s = openAt(t, path, opt)
	if _, err := s.Edit(alice, setAll("Test Upstream 1 Password: pw")); !errors.Is(err, errNoSealKey) {
		t.Errorf("without key: %v", err)
	}
	opt.SealKey = []byte("short")
	if _, err := Open(filepath.Join(t.TempDir(), "x"), opt); err == nil {
		t.Error("a short key was taken")
	}
}

func TestHashesFromOutsideAreBounded(t *testing.T) {
	good, err := HashPassword("pw", rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, _ := openNew(t)
	set(t, s, alice, "Authentication Account Admin Account 1 Password: "+good)
	if got := s.Snapshot().Secret(xapi.AdminAccountPassword, 1); got != good {
		t.Errorf("a ready hash became %s", got)
	}
	for _, bad := range []string{
		strings.Replace(good, "m=19456", "m=4194304", 1), strings.Replace(good, "t=2", "t=1000", 1),
		strings.Replace(good, "p=1", "p=4", 1), strings.Replace(good, "v=19", "v=16", 1), good + "$", "$argon2id$", good[:60],
	} {
		if isHash(bad) || VerifyPassword(bad, "pw") {
			t.Errorf("%s passes for a hash", bad)
		}
	}
}

func TestPasswordErrorsDoNotTellThePassword(t *testing.T) {
	s, _ := openNew(t)
	long := strings.Repeat("hunter2", 20)
	_, err := s.Edit(alice, setAll("Test Upstream 1 Password: "+long))
	if err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("error %v", err)
	}
}
