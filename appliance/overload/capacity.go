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

// What a processor and a MiB of memory are taken to be good for, from what the
// bench measures. Core, which pays more for a call than edge, needs 2.5 µs for a
// packet of SRTP, so that 4,000 calls of G.711 in both directions fill a processor:
// half of that is left to signalling, to the network card and to bursts. A held
// call takes less than 50 kB of a node. An idle registration takes 26 kB of edge,
// and may have a third of the memory; if all phones come back within a minute, each
// for 0.5 ms, 20,000 are a sixth of a processor.
const (
	callsPerProcessor         = 2000
	callsPerMiB               = 16
	registrationsPerProcessor = 20_000
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
