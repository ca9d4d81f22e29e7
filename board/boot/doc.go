// Package boot is the first process of the machine. It mounts what a system
// needs, loads the drivers, feeds the watchdog, finds the disk, and then runs
// the node and a console per terminal as children that it starts again when
// they end. It speaks no SIP and no TLS and opens no database: whatever goes
// wrong in the node, the first process and its consoles stay.
//
// cmd/sallyport calls Main when it is process 1. The children talk to it over
// two sockets in /run/sallyport: notify, where the node says that it is ready
// and alive, and control, where a console or the steward asks for a restart or
// the log. The node runs as a user of its own and reaches only notify and the
// steward (package steward), a third child, which has the rights that it lacks.
package boot
