package pair

import (
	"context"
	"os"
	"testing"

	"sallyport/test/lab"
)

func TestCallThroughBothNodes(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), storyTime)
	defer cancel()
	p, err := New(ctx, Config{Net: place, LogOut: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	alice, err := p.Phone("alice", 440)
	if err != nil {
		t.Fatal(err)
	}
	defer alice.Close()
	if err := alice.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := alice.Register(ctx); err != nil {
		t.Fatal("register: ", err)
	}
	call, err := alice.Call(ctx, "carol")
	if err != nil {
		t.Fatal("call: ", err)
	}
	stats, err := call.AwaitMedia(ctx, lab.CarolTone, 50)
	t.Log(stats, err)
	call.Hangup(ctx)
}
