package boot

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// resultsFile is where the parts meet; parts that run in several trees at once
// are given one file.
func resultsFile() string {
	if file := os.Getenv("SALLYPORT_RESULTS"); file != "" {
		return file
	}
	return "RESULTS.md"
}

// fact is one row of RESULTS.md.
type fact struct{ part, what, seen, commit, date string }

func (f fact) row() string {
	return fmt.Sprintf("| %s | %s | %s | %s | %s |", f.part, f.what, f.seen, f.commit, f.date)
}

// parseFact reads a row; what is no row of facts is not ok.
func parseFact(line string) (f fact, ok bool) {
	cells := strings.Split(strings.TrimSpace(line), "|")
	if len(cells) != 7 {
		return f, false
	}
	for i := range cells {
		cells[i] = strings.TrimSpace(cells[i])
	}
	f = fact{cells[1], cells[2], cells[3], cells[4], cells[5]}
	return f, slices.Contains(parts(), f.part)
}

// verdict is the row that says how a part ended.
const verdict = "result"

// commit names what is proved: the newest commit that changed more than the
// results, and whether the tree has changes beyond it.
func commit() string {
	const rest = ":(top,exclude)test/boot/RESULTS.md"
	out, err := exec.Command("git", "log", "-1", "--format=%h", "--", ":(top)", rest).Output()
	if err != nil {
		return "unknown"
	}
	name := strings.TrimSpace(string(out))
	if changed, err := exec.Command("git", "status", "--porcelain", "--", ":(top)", rest).Output(); err != nil || len(changed) > 0 {
		name += "-dirty"
	}
	return name
}

// passedAlready reports whether RESULTS.md says that a part passed at a commit.
func passedAlready(part, commit string) bool {
	text, _ := os.ReadFile(resultsFile())
	for line := range strings.Lines(string(text)) {
		if f, ok := parseFact(line); ok && f.part == part && f.what == verdict && f.commit == commit {
			return strings.HasPrefix(f.seen, "passed")
		}
	}
	return false
}

// publish puts what a part saw in the place of what it saw before. Parts that
// run at the same time wait for each other.
func publish(t *testing.T, part string, facts []fact) {
	t.Helper()
	f, err := os.OpenFile(resultsFile(), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	old, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	text := page(merge(string(old), part, facts))
	if _, err := f.WriteAt([]byte(text), 0); err != nil {
		t.Fatal(err)
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		t.Fatal(err)
	}
}

// merge keeps the rows of the other parts, in the order of parts.
func merge(old, part string, facts []fact) []fact {
	all := slices.Clone(facts)
	for line := range strings.Lines(old) {
		if f, ok := parseFact(line); ok && f.part != part {
			all = append(all, f)
		}
	}
	slices.SortStableFunc(all, func(a, b fact) int {
		return slices.Index(parts(), a.part) - slices.Index(parts(), b.part)
	})
	return all
}

func page(all []fact) string {
	var out strings.Builder
	out.WriteString("# Firmware in QEMU, without KVM\n\nWritten by `make prove`, part by part. Times depend on the host and its load:\ncompare them within one part only.\n\n")
	out.WriteString("| budget of the design | at most | amd64 | arm64 |\n|---|---|---|---|\n")
	for _, b := range budgets() {
		fmt.Fprintf(&out, "| %s | %s | %s | %s |\n", b.what, b.most, seen(all, "amd64", b.what), seen(all, "arm64", b.what))
	}
	out.WriteString("\n| part | what | seen | commit | date |\n|---|---|---|---|---|\n")
	for _, f := range all {
		out.WriteString(f.row() + "\n")
	}
	return out.String()
}

// budget is a row of design.md §5 that this test can measure.
type budget struct{ what, most string }

func budgets() []budget {
	return []budget{
		{"node's RSS at rest", "60 MB"}, {"binary", "30 MB"}, {"image as downloaded", "60 MB"}, {"image on disk, one slot filled", "80 MB"},
		{"power-on to first SIP answer", "reported; aim 16 s"},
	}
}

// seen is what a part says of something.
func seen(all []fact, part, what string) string {
	for _, f := range all {
		if f.part == part && f.what == what {
			return f.seen
		}
	}
	return "not measured"
}

func today() string { return time.Now().UTC().Format(time.DateOnly) }

func TestResultsMerge(t *testing.T) {
	was := page([]fact{{"amd64", "binary", "19 MB", "aaa", "2026-01-01"}, {"arm64", "binary", "18 MB", "aaa", "2026-01-01"}, {"arm64", verdict, "passed in 1m", "aaa", "2026-01-01"}})
	got := page(merge(was, "amd64", []fact{{"amd64", verdict, "failed", "bbb", "2026-01-02"}}))
	for _, want := range []string{"| arm64 | binary | 18 MB | aaa | 2026-01-01 |", "| amd64 | result | failed | bbb | 2026-01-02 |", "| binary | 30 MB | not measured | 18 MB |"} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "19 MB") || page(merge(got, "none", nil)) != got {
		t.Errorf("old rows of the part stay, or merging nothing changes something:\n%s", got)
	}
}
