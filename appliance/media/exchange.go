package media

// Exchange is where offer and answer of one session stand (RFC 3264, 3261,
// 6337). D is what a role reads out of a description. Its owner locks it.
//
// An offer of either side waits for the other side's answer. More answers to
// one offer (forking, early media, a repeated 200) replace each other: the
// last one holds. An offer that was refused is rolled back.
type Exchange[D any] struct {
	waiting [2]*D // offers without an answer, by their side
	current [2]*D // the descriptions that hold
	offered Side  // whose offer current came from
}

// Offer notes an offer. A second one of the same side replaces the first.
func (x *Exchange[D]) Offer(from Side, d D) { x.waiting[from] = &d }

// Offered is the offer that an answer of side from would belong to: the one
// that waits, else the last one answered.
func (x *Exchange[D]) Offered(from Side) (D, bool) {
	of := from.Other()
	if d := x.waiting[of]; d != nil {
		return *d, true
	}
	if x.current[of] != nil && x.offered == of {
		return *x.current[of], true
	}
	var none D
	return none, false
}

// Answer notes an answer; false if there is no offer it could belong to.
func (x *Exchange[D]) Answer(from Side, d D) bool {
	offer, ok := x.Offered(from)
	if !ok {
		return false
	}
	x.offered = from.Other()
	x.current[from.Other()], x.current[from] = &offer, &d
	x.waiting[from.Other()] = nil
	return true
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
	d := x.current[side]
	if d == nil && !x.Settled() {
		d = x.waiting[side]
	}
	if d == nil {
		var none D
		return none, false
	}
	return *d, true
}

// Last is the latest description of a side, held or offered.
func (x *Exchange[D]) Last(side Side) (D, bool) {
	if d := x.waiting[side]; d != nil {
		return *d, true
	}
	return x.Holds(side)
}

// Rollback forgets the offers that wait.
func (x *Exchange[D]) Rollback() { x.waiting = [2]*D{} }
