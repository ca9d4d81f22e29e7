package board

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestParseCmdline(t *testing.T) {
	c := ParseCmdline("console=tty0 console=ttyS0,115200 panic=5 sallyport.slot=b sallyport.board=pc-x86_64 quiet\n")
	if c.Slot != "b" || c.Board != "pc-x86_64" || c.Recovery() || !slices.Equal(c.Console, []string{"tty0", "ttyS0"}) {
		t.Errorf("%+v", c)
	}
	if !ParseCmdline("sallyport.slot=recovery").Recovery() {
		t.Error("recovery not seen")
	}
}

func TestReadRelease(t *testing.T) {
	path := filepath.Join(t.TempDir(), "release")
	os.WriteFile(path, []byte(`{"version":"1.2.0","commit":"abc","board":"qemu","arch":"amd64","counter":7,"development":true,"keys":["RWQ"]}`), 0o644)
	r, err := ReadRelease(path)
	if err != nil || r.Counter != 7 || !r.Development || len(r.Keys) != 1 {
		t.Errorf("%+v %v", r, err)
	}
	os.WriteFile(path, []byte("{"), 0o644)
	if _, err := ReadRelease(path); err == nil {
		t.Error("half a file was taken")
	}
}
