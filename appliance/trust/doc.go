// Package trust owns every certificate and key of a node: the server
// certificate, the list of trusted authorities, signing requests, the node's
// own key and the keys of sealed tokens. It hands out one tls.Config per
// purpose, and what it hands out stays valid across renewals: a handshake
// always uses the newest certificate and list, while connections that are up
// are never touched.
//
// It knows files below one directory, TLS policy and names. It does not know
// zones, listeners or alarms: planes ask it for a tls.Config, the node asks it
// for Findings, and the faces install what an operator brings.
//
//	server.pem    private key and certificate chain, one file so that the pair
//	              is replaced as one
//	pending.pem   key of the newest signing request, kept until its certificate
//	              is installed
//	domain-NAME.pem, domain-NAME.pending
//	              the same for a domain; an empty file is a place without a
//	              certificate
//	ca.pem        trusted authorities, told apart by fingerprint, never by name
//	node.pem      Ed25519 key that is this node towards its peers
//	NAME.keys     keys of sealed tokens
//
// Every file has mode 0600 and is replaced atomically.
package trust
