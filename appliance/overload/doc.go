// Package overload tells when a node has more to do than it can, so that it
// refuses what is new while it still can, instead of serving everybody late or
// dying for want of memory.
//
// It measures two things every second: how long what is ready to be done waits
// for a processor, from the moment that its bytes are there to be read until its
// goroutine handles them, and how much of the memory that the node may have is
// taken. From them it makes a Level. Roles ask Sheds before they begin something
// new; what belongs to a call in progress, they never ask about.
//
// It knows nothing of SIP and no other plane.
package overload
