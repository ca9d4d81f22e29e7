// Package uc knows the services behind core: deployments, the domains and the
// UC nodes that each encloses, and so who may reach what. A Topology is made of
// what configuration and discovery say, and never changes; everything here is a
// pure look-up. Roles confine SIP by it, package httpproxy confines HTTP, the
// shell's commands and checks explain it.
package uc
