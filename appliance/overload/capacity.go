package overload

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
)

// Capacity is how much a machine is taken to be good for. What it cannot do in
// the event, a Guard finds out.
type Capacity struct {
	Calls         int
	Registrations int
	Basis         string // a sentence that says how
}

// What a processor and a MiB of memory are taken to be good for. Reckoned, not
// measured: idle connections over TLS of 28 kB each in a third of the memory,
// and a call for each 256 kB, which is far more than its sessions hold.
const (
	callsPerProcessor         = 1000
	callsPerMiB               = 4
	registrationsPerProcessor = 10_000
	registrationsPerMiB       = 12

	memoryUnknown = 1024 // MiB, where the machine does not tell
	leastMemory   = 256
)

// CapacityOf reckons with so many processors and so much memory in bytes, 0 for
// unknown, and stays within what a node's tables hold.
func CapacityOf(processors int, memory uint64, most Capacity) Capacity {
	mib := int(memory >> 20)
	known := fmt.Sprintf("%d MiB of memory", mib)
	if mib == 0 {
		mib, known = memoryUnknown, fmt.Sprintf("memory unknown, taken for %d MiB", memoryUnknown)
	}
	mib = max(mib, leastMemory)
	return Capacity{
		Calls:         min(most.Calls, processors*callsPerProcessor, mib*callsPerMiB),
		Registrations: min(most.Registrations, processors*registrationsPerProcessor, mib*registrationsPerMiB),
		Basis: fmt.Sprintf("%d processors and %s: the least of %d calls and %d registrations a processor, of %d and %d a MiB, and of %d and %d in all.",
			processors, known, callsPerProcessor, registrationsPerProcessor, callsPerMiB, registrationsPerMiB, most.Calls, most.Registrations),
	}
}

// ThisMachine is CapacityOf the machine, container and limits that the process
// runs in.
func ThisMachine(most Capacity) Capacity {
	memory := Memory()
	if soft := debug.SetMemoryLimit(-1); soft < math.MaxInt64 {
		memory = tighter(memory, uint64(soft))
	}
	return CapacityOf(runtime.GOMAXPROCS(0), memory, most)
}
