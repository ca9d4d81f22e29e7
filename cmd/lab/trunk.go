package main

import (
	"context"
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// trunk registers an endpoint at core itself and lets it talk with call control
// by a trunk, both ways; then the trunk is put on the line side's port, which
// raises the alarm and breaks no registration.
func (r *round) trunk(ctx context.Context) (string, error) {
	for _, line := range r.pair.TrunkLines() {
		if err := r.say(ctx, line, r.pair.CoreAddr()); err != nil {
			return "", err
		}
	}
	room, err := r.pair.RoomPhone()
	if err != nil {
		return "", err
	}
	defer room.Close()
	if err := room.Start(ctx); err != nil {
		return "", err
	}
	if err := room.Register(ctx); err != nil {
		return "the room:", err
	}
	carol := r.pair.World.Carol
	out, err := r.callOnce(ctx, room, carol, "sip:carol@example.com", lab.RoomTone)
	if err != nil {
		return "from the room:", err
	}
	in, err := r.callOnce(ctx, carol, room, "sip:"+lab.RoomUser+"@"+lab.RoomDomain, lab.CarolTone)
	if err != nil {
		return "to the room:", err
	}
	if err := r.conflict(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("room to carol: %s; carol to room: %s; a trunk on the line side's port is told of and harms nobody", out, in), nil
}

func (r *round) conflict(ctx context.Context) error {
	const port = "xConfiguration Zones Zone 20 Neighbor SIP Port: "
	if err := r.say(ctx, port+"5060", r.pair.CoreAddr()); err != nil {
		return err
	}
	raised, err := r.ask(ctx, r.pair.CoreAddr(), "xStatus Alarm")
	if !strings.Contains(raised, "35015") || !strings.Contains(raised, `Trunk zone \"Trunk\"`) && !strings.Contains(raised, `Trunk zone "Trunk"`) {
		return fmt.Errorf("no alarm about the port: %s (%v)", raised, err)
	}
	if err := r.alice.Register(ctx); err != nil {
		return fmt.Errorf("a registration suffers from the trunk: %w", err)
	}
	if err := r.say(ctx, port+"5070", r.pair.CoreAddr()); err != nil {
		return err
	}
	if raised, err = r.ask(ctx, r.pair.CoreAddr(), "xStatus Alarm"); strings.Contains(raised, "35015") {
		return fmt.Errorf("the alarm stays: %s (%v)", raised, err)
	}
	return nil
}
