package boot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sallyport/board/disk"
)

// FirstBootName is the file on the boot partition that sets up a new box:
//
//	role edge
//	xConfiguration Ethernet 1 IP V4 Address: 192.0.2.1
//	...
const FirstBootName = "sallyport.txt"

const firstBootMax = 64 << 10

// firstBoot takes the first-boot file of a box that nobody has set up. The
// lines go to the node, which knows which it may take; the file is overwritten,
// so that it does not act a second time. On a box that is set up it says
// nothing.
func (m *machine) firstBoot() (string, error) {
	if m.role != "" || m.cmdline.Recovery() {
		return "not needed", nil
	}
	said := "no file"
	err := disk.WithBoot(m.boot.Device, RunDir+"/boot", true, func(dir string) error {
		path := filepath.Join(dir, FirstBootName)
		b, err := readFirst(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		role, lines, err := parseFirst(b)
		if err != nil {
			return err
		}
		if err := writeFile(FirstFile, lines); err != nil {
			return err
		}
		if err := m.setRole(role); err != nil {
			return err
		}
		said = "role " + role + ", lines handed to the node"
		return overwrite(path)
	})
	return said, err
}

func readFirst(path string) ([]byte, error) {
	st, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if st.Size() > firstBootMax {
		return nil, fmt.Errorf("%s: %d bytes are too many", FirstBootName, st.Size())
	}
	return os.ReadFile(path)
}

// parseFirst splits the role from the lines.
func parseFirst(b []byte) (role string, lines []byte, err error) {
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")) // editors of other systems add it
	for len(b) > 0 {
		line, rest, _ := bytes.Cut(b, []byte("\n"))
		b = rest
		words := strings.Fields(string(line))
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if len(words) != 2 || !strings.EqualFold(words[0], "role") || !validRole(strings.ToLower(words[1])) {
			return "", nil, fmt.Errorf("%s: the first line must be \"role edge\" or \"role core\"", FirstBootName)
		}
		return strings.ToLower(words[1]), rest, nil
	}
	return "", nil, fmt.Errorf("%s is empty", FirstBootName)
}

// overwrite clears what the file held and says what became of it.
func overwrite(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(make([]byte, st.Size()), 0); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(path, strings.TrimSuffix(path, ".txt")+".done")
}
