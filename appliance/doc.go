// Package appliance is one assembled node of either role: configuration,
// state, certificates, log, the role with its planes, and the faces. Commands
// start a Node with New and Run; everything that a node is stands in its
// fields, so that many can live in one process.
//
// The house, from the ground up; a package imports only lower floors:
//
//	0   facts     xapi sip sdp uc allow rtp stun quick backup
//	1a  keeping   alarm eventlog run
//	1b  memory    config state trust overload
//	1c  the door  door
//	2   planes    flow signaling zone traversal media httpproxy xmpp turn
//	              auth discover push dnscheck
//	2a  both      call
//	3   roles     edge core
//	4   faces     shell sshd
//	5   assembly  appliance
//
// A setting's way: shell line, config.Edit, checks, one revision, Snapshot,
// each plane's plan.go, Apply. A client's request: flow, signaling, package
// edge, traversal, package core, flow, call control.
package appliance
