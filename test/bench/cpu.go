package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What is measured runs alone on the first processor, all else on the second.
const (
	subjectCPU   = 0
	generatorCPU = 1
)

// pinned tells a process that it was moved already.
const pinned = "SALLYPORT_BENCH_PINNED"

// paired tells whether the machine has a processor for each side.
func paired() bool { return os.Getenv(pinned) != "" }

// moveOver starts this process anew on the generator's processor, so that its
// runtime is laid out for one.
func moveOver() error {
	if paired() || runtime.NumCPU() < 2 {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	runtime.LockOSThread()
	if err := bind(generatorCPU); err != nil {
		return err
	}
	return syscall.Exec(self, os.Args, append(os.Environ(), pinned+"=1", "GOGC=400"))
}

// bind moves the calling thread, and what it starts, to some processors.
func bind(cpus ...int) error {
	var set unix.CPUSet
	for _, c := range cpus {
		set.Set(c)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("bind to processor %v: %w", cpus, err)
	}
	return nil
}

// startOn starts a command on some processors.
func startOn(cmd *exec.Cmd, cpus ...int) error {
	if !paired() {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := bind(cpus...); err != nil {
		return err
	}
	defer func() { _ = bind(generatorCPU) }()
	return cmd.Start()
}

// family is a process with all its descendants.
func family(pid int) []int {
	parents := map[int]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, _ := os.ReadFile(f)
		// pid (name) state parent …, and a name may hold anything
		rest := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
		if len(rest) > 1 {
			child, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			parents[child], _ = strconv.Atoi(rest[1])
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		for child, parent := range parents {
			if parent == all[i] {
				all = append(all, child)
			}
		}
	}
	return all
}

// spent is the processor time of every thread of some processes, in the
// scheduler's own nanoseconds.
func spent(pids []int) time.Duration {
	var sum time.Duration
	for _, pid := range pids {
		files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
		for _, f := range files {
			b, _ := os.ReadFile(f)
			first, _, _ := strings.Cut(string(b), " ")
			n, _ := strconv.ParseInt(first, 10, 64)
			sum += time.Duration(n)
		}
	}
	return sum
}

// memory is the proportional set size of some processes in bytes: what they
// share counts once.
func memory(pids []int) int64 {
	var sum int64
	for _, pid := range pids {
		b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		for line := range bytes.Lines(b) {
			if rest, ok := bytes.CutPrefix(line, []byte("Pss:")); ok {
				n, _ := strconv.ParseInt(strings.Fields(string(rest))[0], 10, 64)
				sum += n << 10
			}
		}
	}
	return sum
}

// processors is how many the machine has; the runtime counts only ours.
func processors() int {
	online, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*")
	return max(len(online), 1)
}
