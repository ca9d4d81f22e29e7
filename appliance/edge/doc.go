// Package edge is what the edge role decides: which message of a client may
// pass, over which binding and towards which core, and what may leave for the
// Internet. Its files carry the same names as those of package core, so that
// the two ends of one path can be read side by side. Whoever is not registered
// gets no further than partner.go allows. It joins the planes
// (flow, signaling, traversal, media, httpproxy) and is assembled by package
// appliance.
package edge
