package overload

import (
	"io/fs"
	"math"
	"os"
	"path"
	"runtime/metrics"
	"strconv"
	"strings"
	"time"
)

// A meter measures this process by what Go's runtime counts.
type meter struct {
	samples []metrics.Sample
	before  []uint64 // the histogram of waits, when it was last read
	limit   uint64   // of the machine or the container
}

const (
	waits   = iota // of goroutines that could run
	live           // what outlived the last collection
	goal           // how large the heap may grow before the next
	stacks         //
	others         // of the runtime itself
	mspan          //
	softMax        // GOMEMLIMIT
)

func newMeter() *meter {
	m := &meter{limit: Memory()}
	for _, name := range [...]string{
		waits: "/sched/latencies:seconds", live: "/gc/heap/live:bytes", goal: "/gc/heap/goal:bytes",
		stacks: "/memory/classes/heap/stacks:bytes", others: "/memory/classes/other:bytes",
		mspan: "/memory/classes/metadata/other:bytes", softMax: "/gc/gomemlimit:bytes",
	} {
		m.samples = append(m.samples, metrics.Sample{Name: name})
	}
	return m
}

func (m *meter) read() Reading {
	metrics.Read(m.samples)
	r := Reading{Delay: m.delay(m.samples[waits].Value.Float64Histogram())}
	r.Used = m.value(stacks) + m.value(others) + m.value(mspan)
	r.Limit = m.limit
	if soft := m.value(softMax); soft < math.MaxInt64 { // the collector works harder near it: what counts is what it cannot free
		r.Used += m.value(live)
		if r.Limit == 0 || soft < r.Limit {
			r.Limit = soft
		}
		return r
	}
	r.Used += max(m.value(goal), m.value(live))
	return r
}

func (m *meter) value(i int) uint64 { return m.samples[i].Value.Uint64() }

// delay is what all but one in a hundred waits since the last reading stayed
// below.
func (m *meter) delay(h *metrics.Float64Histogram) time.Duration {
	first := m.before == nil
	if first {
		m.before = make([]uint64, len(h.Counts))
	}
	fresh := make([]uint64, len(h.Counts))
	var all uint64
	for i, n := range h.Counts {
		fresh[i] = n - m.before[i]
		all += fresh[i]
	}
	copy(m.before, h.Counts)
	if first || all == 0 {
		return 0
	}
	return percentile(fresh, h.Buckets, all-all/100)
}

// percentile is the lower end of the bucket with the n-th smallest value.
func percentile(counts []uint64, bounds []float64, n uint64) time.Duration {
	for i, c := range counts {
		if c >= n {
			return time.Duration(max(bounds[i], 0) * float64(time.Second))
		}
		n -= c
	}
	return 0
}

// Memory is how much memory this process may have: that of its container, or of
// the machine; 0 if neither says so.
func Memory() uint64 { return machineLimit(os.DirFS("/")) }

// machineLimit is how much memory the container may have, or the machine has;
// 0 if neither says so.
func machineLimit(root fs.FS) uint64 {
	var limit uint64
	for _, name := range [...]string{"sys/fs/cgroup/memory.max", ownGroup(root), "sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		b, err := fs.ReadFile(root, name)
		if err != nil {
			continue
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64); err == nil { // else "max"
			limit = tighter(limit, n)
		}
	}
	if b, err := fs.ReadFile(root, "proc/meminfo"); err == nil {
		limit = tighter(limit, memTotal(string(b)))
	}
	return limit
}

// ownGroup is the file with the limit of the group that a service manager put
// this process in.
func ownGroup(root fs.FS) string {
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return ""
	}
	_, group, _ := strings.Cut(strings.TrimSpace(string(b)), "0::")
	return path.Join("sys/fs/cgroup", group, "memory.max")
}

func tighter(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

func memTotal(meminfo string) uint64 {
	for line := range strings.Lines(meminfo) {
		f := strings.Fields(line)
		if len(f) >= 2 && f[0] == "MemTotal:" {
			kb, _ := strconv.ParseUint(f[1], 10, 54)
			return kb << 10
		}
	}
	return 0
}
