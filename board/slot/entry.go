package slot

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
)

// Slot is one system on the boot partition.
type Slot struct {
	Name    string // a, b or recovery
	Title   string
	Version string // the counter, as the boot loader sorts it
	State   State
	Left    int // tries that the boot loader will still make, on trial
	Done    int // tries that it made
	Options string

	file string // of the entry
}

// State is how far a slot is to be trusted.
type State string

const (
	Good   State = "good"   // was healthy once
	Trial  State = "trial"  // has tries left
	Failed State = "failed" // has none left
	Empty  State = "empty"  // has no entry
)

// Tries is how often a new system may start without becoming healthy.
const Tries = 3

func entryName() *regexp.Regexp {
	return regexp.MustCompile(`^(?:slot-([ab])|(recovery))(?:\+(\d+)(?:-(\d+))?)?\.conf$`)
}

// list reads the entries below dir. Slots a and b are always in it.
func list(dir string) ([]Slot, error) {
	files, err := os.ReadDir(filepath.Join(dir, "loader/entries"))
	if err != nil {
		return nil, err
	}
	found := map[string]Slot{"a": {Name: "a", State: Empty}, "b": {Name: "b", State: Empty}}
	name := entryName()
	for _, f := range files {
		m := name.FindStringSubmatch(f.Name())
		if m == nil {
			continue
		}
		s := Slot{Name: m[1] + m[2], State: Good, file: filepath.Join(dir, "loader/entries", f.Name())}
		if m[3] != "" {
			s.Left, _ = strconv.Atoi(m[3])
			s.Done, _ = strconv.Atoi(m[4])
			s.State = Trial
			if s.Left == 0 {
				s.State = Failed
			}
		}
		if err := s.read(); err != nil {
			return nil, err
		}
		found[s.Name] = s
	}
	var out []Slot
	for _, s := range found {
		out = append(out, s)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out, nil
}

func (s *Slot) read() error {
	b, err := os.ReadFile(s.file)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(b)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "title":
			s.Title = strings.TrimSpace(value)
		case "version":
			s.Version = strings.TrimSpace(value)
		case "options":
			s.Options = strings.TrimSpace(value)
		}
	}
	return nil
}

func one(slots []Slot, name string) Slot {
	for _, s := range slots {
		if s.Name == name {
			return s
		}
	}
	return Slot{Name: name, State: Empty}
}

// text is an entry's file.
func text(title, sortKey string, version uint64, files, options string) []byte {
	return fmt.Appendf(nil, "title %s\nsort-key %s\nversion %d\nlinux /sallyport/slot-%s/linux\ninitrd /sallyport/slot-%s/initrd\noptions %s\n",
		title, sortKey, version, files, files, options)
}

// forSlot is a command line that starts another slot.
func forSlot(options, slot string) string {
	words := strings.Fields(options)
	for i, w := range words {
		if strings.HasPrefix(w, "sallyport.slot=") {
			words[i] = "sallyport.slot=" + slot
		}
	}
	return strings.Join(words, " ")
}

// String is a slot as a line for people.
func (s Slot) String() string {
	switch s.State {
	case Trial:
		return fmt.Sprintf("%-9s %s, on trial: %d of %d tries left", s.Name, s.Title, s.Left, s.Left+s.Done)
	case Empty:
		return fmt.Sprintf("%-9s empty", s.Name)
	}
	return fmt.Sprintf("%-9s %s, %s", s.Name, s.Title, s.State)
}
