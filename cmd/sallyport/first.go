package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"sallyport/appliance/xapi"
)

// firstBranches are the branches that a first-boot file may set: what makes a box
// reachable and joins it to its peer.
func firstBranches() []string {
	return []string{
		"SystemUnit", "Ethernet", "IP", "DNS", "NTP", "TimeZone", "SIP", "Zones", "CollaborationEdge",
		"Administration", "Authentication Account", "Remote", "Traversal", "Log",
	}
}

// firstBootLines reads the lines that process 1 took from the boot partition.
// None is no error. Secrets in clear are refused: the file lies on a partition
// that any machine can read.
func firstBootLines(path string, role xapi.Role) (string, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var kept strings.Builder
	var errs []error
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if err := firstLine(line, role); err != nil {
			path, _, _ := strings.Cut(line, ":") // the value may be a secret
			errs = append(errs, fmt.Errorf("%.80q: %w", path, err))
			continue
		}
		kept.WriteString(line + "\n")
	}
	return kept.String(), errors.Join(errs...)
}

// firstLine says whether one line may stand in the file.
func firstLine(line string, role xapi.Role) error {
	path, value, colon := strings.Cut(line, ":")
	words := strings.Fields(path)
	if !colon || len(words) < 2 || !strings.EqualFold(words[0], "xConfiguration") {
		return errors.New("only xConfiguration lines are taken, each with a colon before the value")
	}
	place, err := xapi.FindItem(role, words[1:])
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(firstBranches(), func(b string) bool { return strings.HasPrefix(place.Item.Path, b+" ") }) {
		return errors.New("a first-boot file may not set this")
	}
	value = strings.Trim(strings.TrimSpace(value), `"`)
	if place.Item.Masked() && !(place.Item.Kind == xapi.PasswordHash && strings.HasPrefix(value, "$argon2id$")) {
		return errors.New("secrets in clear are not taken from a file that anyone can read")
	}
	return nil
}
