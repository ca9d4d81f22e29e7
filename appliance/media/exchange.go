package media

import "slices"

// Exchange is where offer and answer of one session stand (RFC 3264, 3261,
// 6337). D is what a role reads out of a description. Its owner locks it.
//
// An offer of either side waits for the other side's answer. More answers to
// one offer (forking, early media, a repeated 200) replace each other: the
// last one holds. An offer that was refused is rolled back. What an exchange
// said that another one has followed is said no more: it is overtaken.
type Exchange[D any] struct {
	waiting [2]*offer[D] // offers without an answer, by their side
	current [2]*D        // the descriptions that hold
	offered Side         // whose offer current came from
	id      ExchangeID   // of current
	past    *pastIDs     // those that current followed; nil: none
}

type offer[D any] struct {
	id ExchangeID
	d  D
}

// ExchangeID tells an offer and its answer from the others of a call, so that
// what comes again is not taken for news. 0 is not known, and overtaken by none.
type ExchangeID uint64

// NewExchangeID names the exchange of an offer. answerer tells those apart who
// answer one offer; it is 0 in a request's offer, which nobody has answered yet,
// and else not.
func NewExchangeID(offer, answerer uint32) ExchangeID {
	return ExchangeID(offer)<<32 | ExchangeID(answerer)
}

// sameOffer tells whether both are of one offer, whoever answers it.
func (id ExchangeID) sameOffer(other ExchangeID) bool { return id>>32 == other>>32 }

// pastIDs are the latest of a call, the newest first. A 2xx is repeated for half
// a minute (RFC 3261 13.3.1.4): no call has more exchanges in that.
type pastIDs [8]ExchangeID

// Offer notes an offer. A second one of the same side replaces the first.
func (x *Exchange[D]) Offer(from Side, id ExchangeID, d D) { x.waiting[from] = &offer[D]{id, d} }

// Offered is the offer that an answer of side from would belong to: the one
// that waits, else the last one answered.
func (x *Exchange[D]) Offered(from Side) (D, bool) {
	if d := x.offerTo(from); d != nil {
		return *d, true
	}
	var none D
	return none, false
}

func (x *Exchange[D]) offerTo(from Side) *D {
	of := from.Other()
	if w := x.waiting[of]; w != nil {
		return &w.d
	}
	if x.offered == of {
		return x.current[of]
	}
	return nil
}

// Answer notes an answer; false if there is no offer it could belong to.
func (x *Exchange[D]) Answer(from Side, id ExchangeID, d D) bool {
	offer := x.offerTo(from)
	if offer == nil {
		return false
	}
	x.follow(id)
	x.offered = from.Other()
	x.current[from.Other()], x.current[from] = offer, &d
	x.waiting[from.Other()] = nil
	return true
}

// follow makes id the exchange that holds.
func (x *Exchange[D]) follow(id ExchangeID) {
	before := x.id
	x.id = id
	if before == 0 || before == id || x.passed(before) {
		return
	}
	if x.past == nil {
		x.past = new(pastIDs)
	}
	copy(x.past[1:], x.past[:])
	x.past[0] = before
}

func (x *Exchange[D]) passed(id ExchangeID) bool {
	return x.past != nil && slices.Contains(x.past[:], id)
}

// Overtaken tells whether a description of side from comes again of an exchange
// that another one has followed, or an answer while that side was made a newer
// offer. It must change nothing.
func (x *Exchange[D]) Overtaken(from Side, kind Kind, id ExchangeID) bool {
	if w := x.waiting[from.Other()]; id != 0 && kind == Answer && w != nil {
		if w.id.sameOffer(id) || x.id.sameOffer(id) {
			return !w.id.sameOffer(id)
		}
	}
	return id != 0 && !x.id.sameOffer(id) && x.passed(id)
}

// Answered tells whether an offer comes again that was answered: one in a
// response, which is repeated until it is acknowledged.
func (x *Exchange[D]) Answered(from Side, id ExchangeID) bool {
	return id != 0 && id == x.id && x.offered == from
}

// Pending reports whether an offer of that side waits.
func (x *Exchange[D]) Pending(from Side) bool { return x.waiting[from] != nil }

// Settled reports whether there is a pair that holds.
func (x *Exchange[D]) Settled() bool { return x.current[ClientSide] != nil && x.current[UCSide] != nil }

// Offerer is the side whose offer the current pair came from.
func (x *Exchange[D]) Offerer() Side { return x.offered }

// Holds is the description of a side to act on: the one that holds, or, while
// nothing holds, its offer.
func (x *Exchange[D]) Holds(side Side) (D, bool) {
	if d := x.current[side]; d != nil {
		return *d, true
	}
	if w := x.waiting[side]; w != nil && !x.Settled() {
		return w.d, true
	}
	var none D
	return none, false
}

// Last is the latest description of a side, held or offered.
func (x *Exchange[D]) Last(side Side) (D, bool) {
	if w := x.waiting[side]; w != nil {
		return w.d, true
	}
	return x.Holds(side)
}

// Waiting is the offer of a side that has no answer yet.
func (x *Exchange[D]) Waiting(from Side) (D, bool) {
	if w := x.waiting[from]; w != nil {
		return w.d, true
	}
	var none D
	return none, false
}

// Rollback forgets an offer that was refused, where it still waits: after a
// glare the other side's does too (RFC 3261 14.1). 0 forgets both.
func (x *Exchange[D]) Rollback(id ExchangeID) {
	for side, w := range x.waiting {
		if w != nil && (id == 0 || w.id.sameOffer(id)) {
			x.waiting[side] = nil
		}
	}
}
