package sdp

import "strconv"

// CheckAnswer checks what an answer owes its offer (RFC 3264 §6): as many
// media lines, of the same types, and none switched on that was off.
func CheckAnswer(offer, answer []MLine) error {
	if len(answer) != len(offer) {
		return &Error{Why: "answer has " + strconv.Itoa(len(answer)) +
			" media lines, its offer " + strconv.Itoa(len(offer))}
	}
	for i, a := range answer {
		switch {
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
func CheckReoffer(before, offer []MLine) error {
	if len(offer) < len(before) {
		return &Error{Why: "offer has " + strconv.Itoa(len(offer)) +
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
