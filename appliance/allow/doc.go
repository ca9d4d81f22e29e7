// Package allow knows the HTTP allow list: what a rule is, how a client's
// transformed path names an inside server, and which rule lets a request
// through. It is pure: no network, no clock, no configuration store. Package
// httpproxy asks it for every request, the shell's commands read and write
// its CSV form.
package allow
