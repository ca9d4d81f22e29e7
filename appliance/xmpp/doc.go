// Package xmpp carries chat streams of remote clients to the presence nodes
// inside: a Gate at edge, where clients come over STARTTLS, and a Server at
// core, which chooses the node by the domain and speaks to it over STARTTLS of
// its own. The two ends meet over streams of the traversal link, which the
// roles hand in.
//
//	client ──5222, STARTTLS──▶ Gate ──link stream──▶ Server ──STARTTLS──▶ node
//
// What passes is never encoded anew: a Splitter cuts what clients say into
// whole stanzas, checks them, and the raw bytes travel on; of what nodes say a
// tracker only keeps the boundaries. Until the client has logged in, both nodes
// take the dialogue step by step and let nothing but SASL through; only the
// list of stream features is edited, by cutting out what ends with a TLS
// connection.
package xmpp
