package worlds

import (
	"context"
	"strings"
	"testing"
	"time"

	"sallyport/test/pair"
	"sallyport/test/room"
)

// place is the part of loopback that the pair of these tests lives in.
var place string

func TestMain(m *testing.M) { pair.Main(m, &place) }

// TestThreeWorlds: live, staging and isolated worlds behind one pair; nothing of
// one reaches another by any plane.
func TestThreeWorlds(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	log := &room.LogBook{}
	p, err := pair.New(ctx, pair.Config{Net: place, LogOut: log})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	w, err := Open(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if err := w.Furnish(ctx); err != nil {
		t.Fatal(err)
	}
	for _, a := range w.Attempts() {
		within, cancel := context.WithTimeout(ctx, 60*time.Second)
		if err := a.Do(within); err != nil {
			t.Errorf("%s: %v", a.Says, err)
		}
		cancel()
	}
	for _, rule := range []string{`zone Call control is of deployment \"Default deployment\"`, `zone Isolated call control is of deployment \"Isolated\"`, `no rule for this server`} {
		if !strings.Contains(log.String(), rule) {
			t.Errorf("the log does not name %s", rule)
		}
	}
	if err := w.Leave(ctx); err != nil {
		t.Error(err)
	}
	if t.Failed() {
		text := log.String()
		t.Log(text[max(0, len(text)-20_000):])
	}
}
