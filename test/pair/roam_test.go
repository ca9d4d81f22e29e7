package pair

import "context"

// arrives takes a phone that has left to another network, as Place names it, and
// registers there.
func (p *player) arrives(ctx context.Context) (string, error) {
	to, err := p.pair.Place(p.arg(0))
	if err != nil {
		return "", err
	}
	return status(p.phone.Arrive(ctx, to))
}
