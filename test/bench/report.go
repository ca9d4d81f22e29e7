package main

import (
	"os"
	"strings"
)

func (b *book) report() string { return "" }

func loadAverage() string {
	s, _ := os.ReadFile("/proc/loadavg")
	return strings.TrimSpace(string(s))
}
