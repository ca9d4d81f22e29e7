// Package call is what both roles know of a running call: its offers and
// answers with the streams opened for them, and the watch over all calls of a
// node for log, alarms and xStatus.
//
// It also says what a client may claim about itself in any message: edge holds
// clients to that, and core holds edges to it.
//
// It joins signaling and media, which do not know each other. What only edge or
// only core decides stays with the role: a role embeds Talk in its own kind of
// call, hands that to Media, and describes messages through it.
package call
