// Package allow knows the HTTP allow list: what a rule is, how a client's
// transformed path names an inside server, and which rule lets a request
// through; which rules a type of UC node brings along; and the CSV forms of rules
// and tests. It is pure: no network, no clock, no configuration store. Package
// httpproxy asks it for every request, the shell's commands read and write
// CSV and put tests to a list.
package allow
