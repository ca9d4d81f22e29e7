// Package console is what stands on a screen or a serial line of the machine:
// a banner, the shell of the node while it runs, the first questions of a new
// box, and a menu that helps when the node does not come up. PID 1 runs it as a
// child per terminal, in cmd/sallyport's console mode; it ends after each
// session and is started again.
//
// Whoever stands there needs no password: a serial line that is reachable over
// a network is as good as being in the room.
package console
