// Package signaling is the transaction-stateful proxy core: it knows SIP
// transactions and nothing of users, zones or sockets.
//
// A role (edge or core) gives it a Handler, feeds it whole messages from its
// connections through Receive, and decides in the Handler what becomes of each
// request: Reply answers it, Forward sends it on over one Branch. What RFC 3261
// and RFC 6026 ask of a proxy between those two is done here: absorbing
// retransmissions, 100 Trying, CANCEL and its glare, one ACK for each failed
// branch, relaying every 2xx while it may be repeated, timers, serial fail-over.
//
//	reader of connection a                      reader of connection b
//	        │ Receive(request)                          │ Receive(response)
//	        ▼                                           ▼
//	  server transaction ── Handler ── Forward ──▶   branch
//	        ▲                                           │
//	        └── Send(response) ◀── OnResponse ◀── relay ┘
//
// Everything runs in the goroutine that brought the message, so the order of a
// connection is kept. Only three things run elsewhere: Branch.Dial, answers made
// by a timer on a connection that could block, and the timer itself (Run).
// No lock is held while a message is sent or a callback of the role runs.
package signaling
