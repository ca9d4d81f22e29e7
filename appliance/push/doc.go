// Package push wakes phones through push services: Apple's, Google's, or a
// gateway over HTTPS.
//
// It knows what phones say about themselves in pn-provider, pn-prid and pn-param
// (RFC 8599), the services' HTTP interfaces and their credentials. Of SIP, users
// and registrations it knows nothing: core asks whether a phone can be woken,
// has it woken, and is told when a phone is gone for good. What phones give in
// pn-prid is theirs alone: it stands in no log, alarm or error.
package push
