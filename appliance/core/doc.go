// Package core is what the core role decides: which inside server a client's
// request is for, what that server may see of the outside, and which tokens
// stand for inside addresses in messages that go out. Its files carry the same
// names as those of package edge, so that the two ends of one path can be read
// side by side. Core is a registrar itself for domains of its own, and takes
// calls from one inside system to another (local*.go, trunk*.go). It joins the planes (flow, signaling, zone, traversal, media,
// httpproxy) and is assembled by package appliance.
package core
