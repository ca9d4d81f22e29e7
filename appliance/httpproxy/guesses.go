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
	manyAtOnce   = 10  // times that, where somebody has come in: a whole office may sign in at once
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
	return s.takeAll(l.Period, s.ofSource(deployment, source, l.Limit,
		share{who + "\x00" + source, l.Limit},
		share{who, manyFailures * l.Limit}))
}

// ofSource puts what a source may try before other shares, and behind them what
// all strangers may.
func (s *Server) ofSource(deployment int, source string, limit int, shares ...share) []share {
	one := share{"source\x00" + source, manyUsers * limit}
	if s.known.Has(source, knownSource) {
		one.limit *= manyAtOnce
		return append([]share{one}, shares...)
	}
	return append(append([]share{one}, shares...), share{"strangers\x00" + strconv.Itoa(deployment), manySources * limit})
}

// takeAll takes one of each share, or of none.
func (s *Server) takeAll(period time.Duration, shares []share) (wait time.Duration, ok bool) {
	for i, x := range shares {
		if wait, ok = s.rate.Take(x.name, x.limit, period); ok {
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

// How many wrong logins to chat there may be for a user: chat clients log in by
// themselves whenever their network changes, so what is right does not count.
const (
	chatWrong    = 10 // from one source
	chatWrongAll = 100
)

// MayGuess counts an attempt to log in to chat, as MayTry does one of a login,
// but for what NoneGuessed gives back: all of it.
func (s *Server) MayGuess(domain, user, source string) bool {
	l := s.live.Load()
	deployment := deploymentOf(l.Domains[domain])
	source = door.Named(source)
	shares := s.ofSource(deployment, source, l.Login.Limit, s.chatShares(deployment, user, source)...)
	_, ok := s.takeAll(max(l.Login.Period, time.Minute), shares)
	return ok
}

// chatShares are those of a user; none of somebody whom a mechanism hides.
func (s *Server) chatShares(deployment int, user, source string) []share {
	if user == "" {
		return nil
	}
	who := "chat\x00" + ownerOf(deployment, user)
	return []share{{who + "\x00" + source, chatWrong}, {who, chatWrongAll}}
}

// NoneGuessed says that an attempt to log in to chat was right.
func (s *Server) NoneGuessed(domain, user, source string) {
	l := s.live.Load()
	deployment, source := deploymentOf(l.Domains[domain]), door.Named(source)
	for _, x := range s.chatShares(deployment, user, source) {
		s.rate.Give(x.name)
	}
	s.NoGuess(deployment, source, true)
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
