// Package dnscheck asks name servers, as if from several places, for the
// records that remote access of a domain needs, compares them with what an
// administrator intends, and writes the intended ones as a zone file (guide:
// Multidomain and Multi-cluster Best Practices).
//
// It knows record names and rules, and asks only the servers that it is given.
// It has a DNS client of its own beside zone's: it needs one server's answer for
// a place given by a client subnet (RFC 7871), where a resolver wants the
// quickest answer and keeps it. The node calls it for xCommand
// DNSCheck, and now and then to look after the names that it needs itself (Own).
package dnscheck
