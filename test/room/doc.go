// Package room is what tests of several packages make alike and could not get
// from one of them: messages as a test writes them, a certificate of the moment.
// It knows nothing above the lowest floor, so that any test may stand in it.
package room
