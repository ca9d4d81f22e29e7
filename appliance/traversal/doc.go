// Package traversal is the link between core and edge, both ends of it. Core
// dials, edge accepts; nothing else crosses the inner firewall.
//
//	 core                                              edge
//	┌──────────┐  TLS 7001 ×2  SIP, one logical link  ┌──────────┐
//	│  dials   │─────────────────────────────────────▶│ accepts  │
//	│          │  SSH 2222     streams (HTTP, XMPP)   │ per zone │
//	│          │─────────────────────────────────────▶│          │
//	│          │  SSH 2222     control RPC            │          │
//	└──────────┘─────────────────────────────────────▶└──────────┘
//
// A link starts with mutual TLS and a greeting (greeting.go) that says who each
// node is and proves the key it uses on the SSH side, so that SSH trusts
// exactly the peer of the TLS link and no other. All SIP of one dialog takes
// one of the TLS connections as long as it is up. Streams carry their own
// credit inside a few SSH channels, so that a stalled reader costs a bounded
// piece of memory and delays nobody.
//
// The package knows zones by name only. Roles give it functions to call for
// messages, streams and requests, and ask it for connections.
package traversal
