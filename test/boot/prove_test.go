package boot

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"
)

// parts are the pieces of the long run, in the order of RESULTS.md. Each can
// run alone, and at the same time as another.
func parts() []string {
	return []string{"amd64", "arm64", "trouble-amd64", "trouble-arm64", "cuts-amd64", "cuts-arm64", "boxes", "namespaces", "pi"}
}

// TestProve runs all that takes too long for every day, part by part, and
// writes what each part saw to RESULTS.md, also when it failed. A part that
// passed at this commit is not run again unless SALLYPORT_AGAIN is set.
func TestProve(t *testing.T) {
	if !proving() {
		t.Skip("the long part; set SALLYPORT_PROVE=1 or run make prove")
	}
	on := func(a arch, f func(*testing.T, *report, arch)) func(*testing.T, *report) {
		return func(t *testing.T, r *report) { f(t, r, a) }
	}
	tell := map[string]func(*testing.T, *report){
		"amd64": on(amd64(), life), "arm64": on(arm64(), life),
		"trouble-amd64": on(amd64(), trouble), "trouble-arm64": on(arm64(), trouble),
		"cuts-amd64": on(amd64(), randomCuts), "cuts-arm64": on(arm64(), randomCuts),
		"boxes": twoBoxes, "namespaces": namespaces, "pi": pi,
	}
	for _, part := range parts() {
		t.Run(part, func(t *testing.T) {
			r := &report{t: t, part: part, commit: commit()}
			if passedAlready(part, r.commit) && os.Getenv("SALLYPORT_AGAIN") == "" {
				t.Skipf("passed at %s already, says %s", r.commit, resultsFile())
			}
			r.begin = time.Now()
			defer r.close()
			tell[part](t, r)
			r.whole = true
		})
	}
}

// report is what one part has seen so far.
type report struct {
	t            *testing.T
	part, commit string
	begin        time.Time
	facts        []fact
	step         string // what is being tried, for the verdict
	whole        bool   // it came to its end
}

// fact notes something for the log and for RESULTS.md. A bench of every day has
// no report, only the log.
func (r *report) fact(t *testing.T, what, seen string) {
	t.Logf("%s: %s", what, seen)
	if r != nil {
		r.facts = append(r.facts, fact{r.part, what, seen, r.commit, today()})
	}
}

// try runs one step of a part.
func (r *report) try(step string, f func()) {
	r.step = step
	r.t.Logf("== %s, %v after the part began", step, time.Since(r.begin).Round(time.Second))
	f()
	if r.t.Failed() {
		r.t.FailNow()
	}
}

// close writes the report, whatever came of it. A part that was skipped leaves
// the old rows.
func (r *report) close() {
	took := time.Since(r.begin).Round(time.Second)
	switch {
	case r.t.Skipped():
		return
	case r.t.Failed() || !r.whole:
		r.fact(r.t, verdict, fmt.Sprintf("FAILED after %v in: %s", took, r.step))
	default:
		r.fact(r.t, verdict, fmt.Sprintf("passed in %v", took))
	}
	publish(r.t, r.part, r.facts)
}

// number of an environment variable, or what is usual.
func setting(name string, usual int) int {
	if n, err := strconv.Atoi(os.Getenv(name)); err == nil && n > 0 {
		return n
	}
	return usual
}
