// Package lab is the world around a sallyport pair: a stub call control
// (Registrar), softphones that place real calls with real media and measure
// them at the far end (Phone, Call), an inside web server (Web) with a client
// for edge's HTTPS side (Browser), and World, which holds all of the inside.
//
// It measures the product, so it shares no code with it: messages, digest,
// transactions, SDP and SRTP handling are its own, over sipgo's parser as a
// second opinion and pion's SRTP. It knows addresses, accounts and
// certificates only from its configuration. cmd/lab and the stories use it.
//
// Everything a stranger could grow is bounded here too, because the same world
// serves load and hostile tests; nothing outlives Close.
package lab
