// Package sshd is the SSH door of a node: it decides who may come in and gives
// each session a shell, one command, or the file folder. It knows admin
// accounts, keys and limits; it knows no command of the shell. appliance
// builds the Server and binds it to the shell; nothing else calls it.
//
// gliderlabs/ssh carries the connection and the order of authentication.
// Session channels are served here (session.go), because its own session
// handler blocks on window changes and signals, shares the terminal size
// without a lock and always accepts agents. What the library leaves open is
// closed here:
//
//	who               until        bounded by
//	a stranger        logged in    gate: number in all and per source, oldest silent first out;
//	                               conn: one deadline for the whole login
//	a guesser         locked out   gate: failures per source, in a table of fixed size
//	an administrator  logged out   connections, channels, idle time, life time, write deadline
//
// Nobody gets in while no password and no key is set. Nothing is forwarded:
// no ports, no agent, no X11, no environment.
package sshd
