// Package httpproxy carries HTTP requests of remote clients to inside web
// servers: a Gate at edge that terminates TLS and leaves deciding to core, and a
// Server at core that decides by the allow list and speaks to the origins. The
// two ends meet over streams of the traversal link, which the role hands in.
//
//	client ──HTTPS 8443──▶ Gate ──HTTP/1.1 over a link stream──▶ Server ──▶ origin
//
// Where users must sign in, the first request is get_edge_config: Server has
// the user's home cluster judge the credentials, keeps the session and hands
// out its cookie; from then on each request needs both, and Gate turns away
// what has no live session by asking core what a cookie is worth. Further
// requests below a domain (lanes) and the judging of tokens are handed in.
//
// Both ends use net/http, so every request is read and written anew on each
// hop and no framing trick of a client reaches an origin.
package httpproxy
