// Package sip is the appliance's view of a SIP message: the bytes as they came
// and a small table of where its header fields lie.
//
// Frame cuts messages out of a stream, Parse lets only a message through whose
// routing parts are unambiguous, and a Message is read and edited field by
// field. What is not edited leaves byte for byte as it came. URI, NameAddr and
// Via read the parts that routing needs and write back what they were read
// from.
//
// The package knows the format only: no sockets, no transactions, no policy.
// Planes and roles call it; it imports nothing of the appliance.
//
// # Memory
//
// Parse takes ownership of the bytes it is given. Strings that a Message hands
// out lie in those bytes without a copy, so nobody may write to them again.
// Strings that must outlive the message by long are better copied with
// strings.Clone, or they hold the whole message in memory.
//
// # What is legal but odd
//
// Folded header fields and spaces before a colon are rewritten into plain form
// before anything else looks at them (see normalise). Compact names, lists
// joined by commas, odd spacing and quoting stay as they are and are understood
// where they stand. Everything else is refused with a Fault.
package sip
