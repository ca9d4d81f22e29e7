package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func sample() *Archive {
	return &Archive{
		Header:        Header{Role: "edge", Name: "gate", Version: "v1", Revision: 7, Made: time.Unix(1e9, 0).UTC()},
		Configuration: []byte("xConfiguration SystemUnit Name: gate\n"),
		Files:         map[string][]byte{"trust/server.pem": []byte("key"), "ssh_host_key": []byte("host")},
	}
}

const passphrase = "correct horse"

func sealed(t *testing.T, a *Archive) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, a, passphrase); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	b := sealed(t, sample())
	if bytes.Contains(b, []byte("server.pem")) || bytes.Contains(b, []byte("xConfiguration")) {
		t.Error("it can be read")
	}
	got, err := Read(bytes.NewReader(b), passphrase)
	if err != nil {
		t.Fatal(err)
	}
	want := sample()
	want.Header.Format = Format
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsNotWholeIsRefused(t *testing.T) {
	good := sealed(t, sample())
	if _, err := Read(bytes.NewReader(good), "wrong horse"); !errors.Is(err, ErrPassphrase) {
		t.Error("wrong passphrase:", err)
	}
	if _, err := Read(bytes.NewReader(good), ""); !errors.Is(err, ErrPassphrase) {
		t.Error("no passphrase:", err)
	}
	for name, b := range map[string][]byte{
		"empty": nil, "garbage": []byte("garbage"), "cut": good[:len(good)-20], "cut early": good[:100],
		"changed": append(bytes.Clone(good[:len(good)-1]), good[len(good)-1]^1),
	} {
		if _, err := Read(bytes.NewReader(b), passphrase); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := Write(io.Discard, sample(), "short"); err == nil {
		t.Error("a short passphrase was taken")
	}
}

func TestNewerFormat(t *testing.T) {
	_, err := read(archive(t, "backup.json", `{"format":2,"version":"v9"}`))
	if err == nil || !strings.Contains(err.Error(), "made by version v9") || !strings.Contains(err.Error(), "upgrade first") {
		t.Error(err)
	}
}

func TestNamesStayBelow(t *testing.T) {
	for _, name := range []string{"../x", "/etc/passwd", "files/../x", "files//x", "files/..", "files/a/../../x", "other"} {
		if _, err := read(archive(t, "backup.json", `{"format":1}`, "configuration", "", name, "x")); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if _, err := read(archive(t, "backup.json", `{"format":1}`, "configuration", "", "files/x", "1", "files/x", "2")); err == nil {
		t.Error("one name twice")
	}
}

func archive(t *testing.T, pairs ...string) *tar.Reader {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := w.WriteHeader(&tar.Header{Name: pairs[i], Size: int64(len(pairs[i+1])), Typeflag: tar.TypeReg}); err != nil {
			t.Fatal(err)
		}
		io.WriteString(w, pairs[i+1])
	}
	w.Close()
	return tar.NewReader(&b)
}

// FuzzRead reads what is inside an age file; age itself is tested elsewhere.
func FuzzRead(f *testing.F) {
	var b bytes.Buffer
	if err := sample().write(tar.NewWriter(&b)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := read(tar.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		for name := range a.Files {
			if !plain(name) {
				t.Errorf("%q", name)
			}
		}
	})
}
