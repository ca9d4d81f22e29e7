package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"sallyport/appliance/config"
	"sallyport/appliance/xapi"
)

func (t *turn) export(_ context.Context, words []word) int {
	if len(words) == 0 {
		if err := buffered(t.w, t.b.Config().Export); err != nil {
			return t.wrong(err)
		}
		return t.answer(nil)
	}
	err := t.inFolder(words[0].text, func(root *os.Root) error {
		f, err := root.OpenFile(words[0].text, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return fileError(words[0].text, err)
		}
		return errors.Join(t.b.Config().Export(f), f.Close())
	})
	return t.answer(err)
}

// inFolder opens the file folder, out of which no name leads.
func (t *turn) inFolder(name string, f func(*os.Root) error) error {
	switch {
	case t.b.Folder() == "":
		return errors.New("this node has no file folder")
	case strings.ContainsAny(name, "/\\") || strings.HasPrefix(name, "."):
		return usageError(fmt.Sprintf("%q is not a plain file name, as sftp shows them", clip(name)))
	}
	root, err := os.OpenRoot(t.b.Folder())
	if err != nil {
		return err
	}
	return errors.Join(f(root), root.Close())
}

// fileError says what is wrong with a file without telling where the folder is.
func fileError(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("file %q: %w; sftp shows what is there", clip(name), err)
}

// importLines takes lines from a file of the folder, or those that follow the
// line: on a terminal up to a line that is a dot, else to the end of the input.
func (t *turn) importLines(_ context.Context, words []word) int {
	mode, file := config.GoodLines, ""
	for _, w := range words {
		switch {
		case w.quoted || !strings.HasPrefix(w.text, "-") || w.text == "-":
			file = w.text
		case w.text == "-all":
			mode = config.AllOrNothing
		case w.text == "-dry":
			mode = config.DryRun
		default:
			return t.wrong(&xapi.WordError{Word: clip(w.text), Why: "is not an option of import", Allowed: []string{"-all", "-dry"}})
		}
	}
	if file == "" || file == "-" {
		if t.more == nil {
			return t.wrong(usageError("import needs the name of a file in the folder"))
		}
		if t.ask != nil {
			t.printf("Paste the lines; a line with a dot alone ends them.\n")
		}
		return t.take(t.more, mode)
	}
	exit := Failed
	err := t.inFolder(file, func(root *os.Root) error {
		f, err := root.Open(file)
		if err != nil {
			return fileError(file, err)
		}
		exit = t.take(f, mode)
		return f.Close()
	})
	if err != nil {
		return t.wrong(err)
	}
	return exit
}

// take imports and reports: each line that was not simply taken, and the sums.
func (t *turn) take(r io.Reader, mode config.ImportMode) int {
	rep, err := t.b.Config().Import(r, t.who, mode)
	if err != nil {
		return t.wrong(err)
	}
	for _, l := range rep.Lines {
		if l.Verdict > config.Same {
			t.printf("line %d: %s: %s\n", l.Number, printable(l.Path), describe(l))
		}
	}
	t.sums(rep)
	switch {
	case rep.Error != nil:
		return t.wrong(fmt.Errorf("nothing was changed: %w", rep.Error))
	case mode == config.AllOrNothing && rep.Count(config.Refused) > 0:
		return t.wrong(errors.New("nothing was changed, because of the lines refused"))
	case mode == config.DryRun:
		t.printf("Nothing was changed: -dry only tries.\n")
	}
	return t.answer(nil)
}

func (t *turn) sums(rep *config.Report) {
	text := fmt.Sprintf("%d taken", rep.Count(config.Taken))
	for _, c := range []struct {
		verdict config.Verdict
		what    string
	}{
		{config.Same, "unchanged"}, {config.NotNeeded, "not here"}, {config.NotHere, "of the other role"},
		{config.Foreign, "whose password must be typed anew"}, {config.Refused, "refused"},
	} {
		if n := rep.Count(c.verdict); n > 0 {
			text += fmt.Sprintf(", %d %s", n, c.what)
		}
	}
	t.printf("%s\n", text)
}

func describe(l config.ReportLine) string {
	if l.Verdict == config.NotNeeded {
		return "known, not here: " + l.Why
	}
	return strings.TrimPrefix(l.Why, l.Path+": ")
}
