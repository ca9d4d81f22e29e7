package sdp

import "strconv"

// CheckAnswer checks what an answer owes its offer (RFC 3264 §6): as many
// media lines, of the same types, and none switched on that was off.
func CheckAnswer(offer []MLine, answer *Body) error {
	if len(answer.Media) != len(offer) {
		return &Error{Why: "answer has " + strconv.Itoa(len(answer.Media)) +
			" media lines, its offer " + strconv.Itoa(len(offer))}
	}
	for i, m := range answer.Media {
		switch a := m.M(); {
		case a.Type != offer[i].Type:
			return &Error{Why: "answer changes media line " + strconv.Itoa(i+1) + " from " + offer[i].Type + " to " + a.Type}
		case offer[i].Port == 0 && a.Port != 0:
			return &Error{Why: "answer switches on media line " + strconv.Itoa(i+1)}
		}
	}
	return nil
}

// CheckReoffer checks what a later offer owes the earlier description: no
// media line may vanish (RFC 3264 §8).
func CheckReoffer(before []MLine, offer *Body) error {
	if len(offer.Media) < len(before) {
		return &Error{Why: "offer has " + strconv.Itoa(len(offer.Media)) +
			" media lines, before it had " + strconv.Itoa(len(before))}
	}
	return nil
}

// MLines reads every m= line.
func (b *Body) MLines() []MLine {
	all := make([]MLine, len(b.Media))
	for i, s := range b.Media {
		all[i] = s.M()
	}
	return all
}
