package rootfs

import (
	"bytes"
	"encoding/json"
	"path"
	"time"

	"github.com/klauspost/compress/zstd"

	"sallyport/board"
)

// Initramfs packs the binary, the modules (nil for none) and the release file
// into what the kernel unpacks as its root.
func Initramfs(binary []byte, m *Modules, release board.Release, when time.Time) ([]byte, error) {
	t := tree{}
	t.file("init", 0o755, binary)
	// The kernel's own idea of what loads a module; the binary looks at its name.
	t.link("sbin/modprobe", "/init")
	t.link("bin/sallyport", "/init")
	// Before devtmpfs is mounted PID 1 has only these to speak through.
	t.char("dev/console", 0o600, 5, 1)
	t.char("dev/null", 0o666, 1, 3)
	for _, dir := range []string{"proc", "sys", "run", "data", "boot"} {
		t.dir(dir, 0o755)
	}
	t.dir("tmp", 0o1777)
	if err := t.etc(release); err != nil {
		return nil, err
	}
	if m != nil {
		t.modules(m)
	}
	return t.pack(when)
}

func (t tree) etc(release board.Release) error {
	text, err := json.MarshalIndent(release, "", "  ")
	if err != nil {
		return err
	}
	t.file(board.ReleaseFile[1:], 0o644, append(text, '\n'))
	t.file("etc/hosts", 0o644, []byte("127.0.0.1 localhost\n::1 localhost\n"))
	return nil
}

func (t tree) modules(m *Modules) {
	root := path.Join("lib/modules", m.Version)
	for file, data := range m.Files {
		t.file(path.Join(root, file), 0o644, data)
	}
	t.file(path.Join(root, "sallyport.index"), 0o644, m.Index())
}

// pack compresses on one thread, since the split into threads shows in the
// bytes.
func (t tree) pack(when time.Time) ([]byte, error) {
	var b bytes.Buffer
	z, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))
	if err != nil {
		return nil, err
	}
	if err := t.write(z, when.Unix()); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
