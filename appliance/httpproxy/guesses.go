package httpproxy

import (
	"strconv"
	"time"

	"sallyport/appliance/door"
)

// How much more than one source may try for one user may be tried.
const (
	manyFailures = 10  // for a user, by all sources
	manyUsers    = 20  // wrong ones, by one source, for all users: an office mistypes too
	manySources  = 400 // wrong ones, by all sources from which nobody has ever come in
	knownSource  = 24 * time.Hour
)

// MayTry counts an attempt of a user's password from a source; of the user from
// anywhere, so that a stranger cannot lock others out by a few attempts; of the
// source for anybody, and of all strange sources of a deployment, so that one
// password cannot be tried on all users. Not ok: there were too many, for wait.
// Whatever way a password is tried counts. Attempts that turn out well are given
// back to the source by NoGuess: an office behind one address is not punished for
// its size, nor for what strangers do elsewhere.
func (s *Server) MayTry(deployment int, user, source string) (wait time.Duration, ok bool) {
	l, who := s.live.Load().Login, ownerOf(deployment, user)
	source = door.Named(source)
	shares := []share{
		{"source\x00" + source, manyUsers * l.Limit},
		{who + "\x00" + source, l.Limit},
		{who, manyFailures * l.Limit},
	}
	if !s.known.Has(source, knownSource) {
		shares = append(shares, share{"strangers\x00" + strconv.Itoa(deployment), manySources * l.Limit})
	}
	for i, x := range shares {
		if wait, ok = s.rate.Take(x.name, x.limit, l.Period); ok {
			continue
		}
		for _, taken := range shares[:i] {
			s.rate.Give(taken.name)
		}
		return wait, false
	}
	return 0, true
}

// A share is how often something may be tried within the period.
type share struct {
	name  string
	limit int
}

// NoGuess says that an attempt was none of a wrong password: it was right, or
// nobody could judge it.
func (s *Server) NoGuess(deployment int, source string, right bool) {
	source = door.Named(source)
	s.rate.Give("source\x00" + source)
	if s.known.Has(source, knownSource) {
		return
	}
	s.rate.Give("strangers\x00" + strconv.Itoa(deployment))
	if right {
		s.known.Take(source, 1, knownSource)
	}
}
