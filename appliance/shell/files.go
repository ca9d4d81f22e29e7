package shell

import (
	"io/fs"
	"os"
	"strings"

	"sallyport/appliance/xapi"
)

// fileChoices lists the files of the folder.
func (s *Session) fileChoices() (list []choice) {
	if s.b.Folder() == "" {
		return nil
	}
	entries, _ := fs.ReadDir(os.DirFS(s.b.Folder()), ".")
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			list = append(list, choice{xapi.Quote(e.Name()) + " ", e.Name(), ""})
		}
	}
	return list
}
