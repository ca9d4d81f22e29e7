package module

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// rounds bounds how often the devices are walked: each driver may bring new
// ones, but not for ever.
const rounds = 6

// Coldplug loads a driver for each device that is there, and again for those
// that the drivers bring. It reports how many aliases had one. A driver that
// does not load is another's concern: the failures are returned as text.
func (l *Loader) Coldplug() (loaded int, failed []string) {
	seen := map[string]bool{}
	for range rounds {
		fresh := l.walk(seen)
		if len(fresh) == 0 {
			break
		}
		for _, a := range fresh {
			n, errs := l.device(a)
			loaded += n
			failed = append(failed, errs...)
		}
	}
	return loaded, failed
}

// device loads what serves one device.
func (l *Loader) device(alias string) (loaded int, failed []string) {
	for _, name := range l.Index.Resolve(alias) {
		if l.loaded(name) {
			continue
		}
		if err := l.load(name); err != nil {
			failed = append(failed, err.Error())
			continue
		}
		loaded++
	}
	return loaded, failed
}

// walk lists the aliases of devices that seen does not hold yet.
func (l *Loader) walk(seen map[string]bool) []string {
	var fresh []string
	filepath.WalkDir(filepath.Join(l.Sys, "devices"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() != "modalias" {
			return nil
		}
		b, err := os.ReadFile(path)
		a := strings.TrimSpace(string(b))
		if err != nil || a == "" || seen[a] || l.Skip != nil && l.Skip(a) {
			return nil
		}
		seen[a] = true
		fresh = append(fresh, a)
		return nil
	})
	return fresh
}
