// Package httpproxy carries HTTP requests of remote clients to inside web
// servers: a Gate at edge that terminates TLS and decides nothing, and a
// Server at core that decides by the allow list and speaks to the origins. The
// two ends meet over streams of the traversal link, which the role hands in.
//
//	client ──HTTPS 8443──▶ Gate ──HTTP/1.1 over a link stream──▶ Server ──▶ origin
//
// Both ends use net/http, so every request is read and written anew on each
// hop and no framing trick of a client reaches an origin.
package httpproxy
