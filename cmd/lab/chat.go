package main

import (
	"context"
	"fmt"
	"time"

	"sallyport/test/lab"
)

// chat logs alice and bob in to chat and lets each say something to the other;
// the presence node is asked what came.
func (r *round) chat(ctx context.Context) (string, error) {
	alice, err := r.pair.Chat(ctx, "alice")
	if err != nil {
		return "alice:", err
	}
	defer alice.Close()
	bob, err := r.pair.Chat(ctx, "bob")
	if err != nil {
		return "bob:", err
	}
	defer bob.Close()
	begin := time.Now()
	if err := tell(ctx, alice, bob, "bob@example.com", "hello from outside"); err != nil {
		return "", err
	}
	if err := tell(ctx, bob, alice, "alice@example.com", "hello yourself"); err != nil {
		return "", err
	}
	took := time.Since(begin).Round(100 * time.Microsecond)
	if n := len(r.pair.World.Chat.Seen()); n < 2 {
		return "", fmt.Errorf("the presence node saw %d messages", n)
	}
	return fmt.Sprintf("alice and bob, logged in by %s, heard each other within %s", alice.Mechanism, took), nil
}

func tell(ctx context.Context, from, to *lab.Chat, address, body string) error {
	if err := from.Send(address, body); err != nil {
		return err
	}
	m, err := to.Receive(ctx)
	if err != nil {
		return fmt.Errorf("%s hears nothing: %w", address, err)
	}
	if m.Body != body || m.From != from.JID {
		return fmt.Errorf("%s hears %q from %s", address, m.Body, m.From)
	}
	return nil
}
