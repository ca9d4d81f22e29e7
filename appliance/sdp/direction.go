package sdp

// Direction is which way media may flow, seen from the description's sender.
type Direction uint8

const (
	Inactive Direction = 0
	SendOnly Direction = 1
	RecvOnly Direction = 2
	SendRecv Direction = SendOnly | RecvOnly
)

// Sends reports whether the sender of the description may send.
func (d Direction) Sends() bool { return d&SendOnly != 0 }

// Receives reports whether the sender of the description wants to receive.
func (d Direction) Receives() bool { return d&RecvOnly != 0 }

func (d Direction) String() string {
	return [...]string{"inactive", "sendonly", "recvonly", "sendrecv"}[d&3]
}

// Direction of m-line i: its own attribute, else the session's, else
// sendrecv; an unspecified address takes the receiving away.
func (b *Body) Direction(i int) Direction {
	d := SendRecv
	for _, s := range []*Section{b.Session, b.Media[i]} {
		for _, l := range s.lines {
			if n, _ := l.attr(); n != "" {
				if own, ok := directions(n); ok {
					d = own
				}
			}
		}
	}
	if b.Conn(i).Held {
		d &^= RecvOnly
	}
	return d
}

func directions(name string) (Direction, bool) {
	for d := Inactive; d <= SendRecv; d++ {
		if d.String() == name {
			return d, true
		}
	}
	return 0, false
}
