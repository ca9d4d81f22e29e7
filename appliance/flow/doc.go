// Package flow owns the sockets that SIP clients and servers talk to, and the
// bindings that say which client is behind which of them. It knows connections
// and whole messages, not transactions or users' rights.
//
// A role gives it a Plan and callbacks; Flows makes the listeners true, reads
// whole messages and hands them over in the order of their connection. On edge
// it never dials: a client that is not connected is not reachable. On core it
// also opens connections inward and keeps them for reuse.
//
// Everything that a stranger can make grow is bounded here: connections in
// total and by source, handshakes, requests per second, the size of a message
// and the time that it takes, what waits to be written, and the table of
// sources itself.
//
// An idle connection costs one goroutine with a small stack, 64 bytes to read
// into and what TLS needs: the handshake runs in a goroutine of its own so that
// its grown stack is given back, and a larger buffer is borrowed only while
// bytes arrive.
package flow
