package boot

import (
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// give makes all below a folder a user's own. What an older release left as the
// superuser's, or what a console put there while the node was stopped, is the
// node's afterwards. Links are given, not followed, and a file with a second
// name may be somebody else's.
func give(dir string, user int) error {
	return filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		st, err := os.Lstat(path)
		if err != nil {
			return err
		}
		s, ok := st.Sys().(*syscall.Stat_t)
		if !ok || s.Uid == uint32(user) && s.Gid == uint32(user) || st.Mode().IsRegular() && s.Nlink > 1 {
			return nil
		}
		return os.Lchown(path, user, user)
	})
}
