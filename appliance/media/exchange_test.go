package media

import "testing"

// What comes again of an exchange is told from news, whoever offered since.
func TestOvertaken(t *testing.T) {
	request := func(n uint32) ExchangeID { return NewExchangeID(n, 0) }
	fork := func(n uint32) ExchangeID { return NewExchangeID(n, 7) }
	var x Exchange[string]
	agree := func(from Side, n uint32) {
		t.Helper()
		x.Offer(from, request(n), "offer")
		if x.Overtaken(from.Other(), Answer, fork(n)) || !x.Answer(from.Other(), fork(n), "answer") {
			t.Fatalf("exchange %d has no answer", n)
		}
	}
	overtaken := func(from Side, kind Kind, id ExchangeID, want bool) {
		t.Helper()
		if got := x.Overtaken(from, kind, id); got != want {
			t.Errorf("%v %v %x overtaken: %v", from, kind, id, got)
		}
	}
	agree(ClientSide, 1)
	overtaken(UCSide, Answer, fork(1), false)
	overtaken(UCSide, Answer, NewExchangeID(1, 8), false) // another fork
	if x.past != nil {
		t.Error("a call of one exchange remembers others")
	}
	x.Offer(ClientSide, request(2), "offer")
	overtaken(UCSide, Answer, fork(1), true) // not an answer to the second
	x.Offer(UCSide, request(3), "offer")
	x.Rollback(request(2)) // the one of a glare
	if x.Pending(ClientSide) || !x.Pending(UCSide) {
		t.Error("a refusal forgets the other side's offer, or not its own")
	}
	overtaken(UCSide, Answer, fork(1), false)
	if !x.Answer(ClientSide, fork(3), "answer") {
		t.Error("the other side's offer has no answer")
	}
	overtaken(UCSide, Answer, fork(1), true) // roles have switched
	overtaken(UCSide, Answer, 0, false)      // nobody knows what it is of

	late := NewExchangeID(4, 1)
	x.Offer(UCSide, late, "late offer")
	x.Answer(ClientSide, late, "in the ACK")
	if !x.Answered(UCSide, late) || x.Overtaken(UCSide, Offer, late) {
		t.Error("a late offer that comes again is news")
	}
	agree(ClientSide, 5)
	overtaken(UCSide, Offer, late, true)
	overtaken(ClientSide, Answer, late, true)
	for n := uint32(6); n < 100; n++ { // bounded: the oldest are forgotten
		agree(Side(n%2), n)
	}
	overtaken(UCSide, Offer, late, false)
}
