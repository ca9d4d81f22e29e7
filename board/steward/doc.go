// Package steward does for the node what only a superuser may: it makes a
// network plan real, keeps DHCP leases, moves the clock, looks into the machine,
// writes a signed update into the idle slot, and passes on to the first process
// what is its to do. The node, which talks to strangers, has none of those
// rights; it asks, over one socket, for one of a dozen typed acts. A node that
// was taken over can ask for these too, and for nothing else: it installs no
// update that nobody signed, reads no file, runs no program.
//
// The first process starts Run as a child beside the node, and again when it
// ends. cmd/sallyport's node holds a Client. Both ends live here.
package steward
