// Package xmpp tests chat through both nodes with prosody in the place of the
// presence nodes: a real peer on loopback, without root.
package xmpp
