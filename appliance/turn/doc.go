// Package turn is edge's TURN server (RFC 8656, RFC 6062): it lends clients an
// address outside, so that media of two clients can take the direct path that
// ICE finds, or this one where none is.
//
// It is a policy around pion/turn: who may have a relay, how many, from which
// ports, and whom it may reach. A relay would make edge a way into every network
// that edge sees, so peers are denied unless a rule lets them: private,
// loopback and other special networks, the inside, and edge itself but for its
// own relays. Package edge builds the Server and runs it; package core makes the
// credentials of a login by Credential, with a key that edge gave it.
package turn
