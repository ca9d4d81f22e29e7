package main

import (
	"bufio"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
)

// gcPercent lets garbage grow to three times what lives: a node keeps little
// and makes much, and collecting at every few megabytes costs more than the
// memory is worth. GOGC in the environment overrides it.
const gcPercent = 300

// tuneMemory sets the collector, with a third of the machine's memory as the
// point from which it works harder.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if total := totalMemory(); total > 0 && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(total / 3)
	}
}

// totalMemory is the machine's memory in bytes, 0 if it cannot be told.
func totalMemory() int64 {
	f, err := os.Open("/proc/meminfo")
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "MemTotal:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			return kb << 10
		}
	}
	return 0
}
