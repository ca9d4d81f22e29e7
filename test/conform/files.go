package conform

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/rogpeppe/go-internal/txtar"
)

//go:embed testdata/*.txtar
var testdata embed.FS

// sipgoTorture is the folder of the torture messages in the sipgo module.
func sipgoTorture() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		return "", fmt.Errorf("find the sipgo module: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(out)), "sip", "testdata", "torture"), nil
}

// readTorture reads a message from the module. The folder it lies in says what
// sipgo thinks of it, which does not matter here.
func readTorture(dir, name string) ([]byte, error) {
	b, err := os.ReadFile(filepath.Join(dir, "valid", name+".dat"))
	if errors.Is(err, fs.ErrNotExist) {
		b, err = os.ReadFile(filepath.Join(dir, "invalid", name+".dat"))
	}
	if err != nil {
		return nil, fmt.Errorf("torture message %s: %w", name, err)
	}
	// The module's baddn ends before the empty line that the RFC has; without it
	// the message would fail for another reason than its display names.
	if !bytes.Contains(b, []byte("\r\n\r\n")) {
		b = append(b, '\r', '\n')
	}
	return b, nil
}

// tortureFiles lists the messages that the module has, by name.
func tortureFiles(dir string) ([]string, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*", "*.dat"))
	for i, p := range paths {
		paths[i] = strings.TrimSuffix(filepath.Base(p), ".dat")
	}
	return paths, err
}

func readArchive(path string) (map[string]string, error) {
	b, err := testdata.ReadFile(path)
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for _, f := range txtar.Parse(b).Files {
		files[f.Name] = string(f.Data)
	}
	return files, nil
}
