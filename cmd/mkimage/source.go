package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// source says what is built: the commit, and from it the version that people
// read, the counter by which boxes compare, and the time that files get. The
// counter is the commit's time in seconds: it grows along a branch, and needs
// no history to be known.
type source struct {
	root    string // of the tree
	commit  string
	version string
	when    time.Time
}

// readSource asks version control about the tree around the working directory.
func readSource(ctx context.Context) (source, error) {
	var s source
	var err error
	if s.root, err = output(ctx, "", "go", "list", "-m", "-f", "{{.Dir}}", "sallyport"); err != nil {
		return s, fmt.Errorf("this must run inside the source tree: %w", err)
	}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		return s, s.at(epoch)
	}
	head, err := output(ctx, s.root, "git", "log", "-1", "--format=%H %ct")
	if err != nil {
		return s, fmt.Errorf("outside version control SOURCE_DATE_EPOCH must say which time files get: %w", err)
	}
	commit, epoch, _ := strings.Cut(head, " ")
	s.commit = commit
	if s.version, err = output(ctx, s.root, "git", "describe", "--tags", "--always", "--dirty"); err != nil {
		return s, err
	}
	return s, s.at(epoch)
}

func (s *source) at(epoch string) error {
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || seconds < 315532800 {
		return fmt.Errorf("%q is no time after 1980, where FAT begins", epoch)
	}
	s.when = time.Unix(seconds, 0).UTC()
	if s.version == "" {
		s.version = s.when.Format("20060102-150405")
	}
	return nil
}

// binary builds the one static binary for an architecture.
func (s source) binary(ctx context.Context, arch, version string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "mkimage-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "sallyport")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false",
		"-ldflags", "-s -w -X main.version="+version, "-o", out, "./cmd/sallyport")
	cmd.Dir = s.root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	var trouble bytes.Buffer
	cmd.Stderr = &trouble
	b, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, args[0], err, bytes.TrimSpace(trouble.Bytes()))
	}
	return string(bytes.TrimSpace(b)), nil
}
