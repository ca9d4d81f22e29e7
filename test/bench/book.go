package main

import (
	"fmt"
	"slices"
	"time"
)

// result is what one measurement of one subject found.
type result struct {
	cost     float64 // nanoseconds of processor time per job, or bytes per registration
	rate     float64 // jobs per second
	busy     float64 // share of one processor
	p50, p99 time.Duration
	failed   int64
	missed   int64
	lost     float64 // share of packets
	offered  float64 // packets per second
	why      error
}

func (r result) String() string {
	s := fmt.Sprintf("%8.1f us  %8.0f/s  busy %3.0f %%  p50 %s  p99 %s", r.cost/1e3, r.rate, 100*r.busy,
		r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond))
	if r.failed > 0 || r.missed > 0 {
		s += fmt.Sprintf("  failed %d missed %d: %v", r.failed, r.missed, r.why)
	}
	return s
}

// book holds the results of a whole run.
type book struct {
	opt     options
	begun   time.Time
	load    string
	results map[string]map[string][]result // by scenario and subject, one per round
	skipped []string
}

func newBook(opt options) *book {
	return &book{opt: opt, begun: time.Now(), load: loadAverage(), results: map[string]map[string][]result{}}
}

func (b *book) add(scenario, subject string, r result) {
	if b.results[scenario] == nil {
		b.results[scenario] = map[string][]result{}
	}
	b.results[scenario][subject] = append(b.results[scenario][subject], r)
}

func (b *book) skip(why string) {
	b.skipped = append(b.skipped, why)
	fmt.Println("skipped:", why)
}

// sound tells whether a round can be used: a job that failed costs something
// else.
func (r result) sound() bool { return r.cost > 0 && r.failed == 0 }

// spread is a median with the range that it stands in.
type spread struct {
	n             int
	mid, low, top float64
}

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	v := slices.Sorted(slices.Values(values))
	mid := v[len(v)/2]
	if len(v)%2 == 0 {
		mid = (mid + v[len(v)/2-1]) / 2
	}
	return spread{len(v), mid, v[0], v[len(v)-1]}
}

// cost is the spread of a subject's cost over the rounds.
func (b *book) cost(scenario, subject string) spread {
	var v []float64
	for _, r := range b.results[scenario][subject] {
		if r.sound() {
			v = append(v, r.cost)
		}
	}
	return spreadOf(v)
}

// ratio compares two subjects round by round, so that a noisy minute spoils
// both sides alike.
func (b *book) ratio(scenario, subject, to string) spread {
	mine, theirs := b.results[scenario][subject], b.results[scenario][to]
	var v []float64
	for i := range min(len(mine), len(theirs)) {
		if mine[i].sound() && theirs[i].sound() {
			v = append(v, mine[i].cost/theirs[i].cost)
		}
	}
	return spreadOf(v)
}
