// Package door is what every port that strangers can reach has in common:
// listeners that follow the configuration while they serve, an accept loop that
// outlives a machine short of something, counts of who is inside by source, and
// a brake on log lines that strangers can cause.
//
// It knows no protocol. Planes and faces stand on it and do the handshakes and
// the talking themselves.
package door
