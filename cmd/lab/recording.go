package main

import (
	"context"
	"fmt"
	"strings"

	"sallyport/test/lab"
)

// recordingBib has call control record a call of alice by her phone's built-in
// bridge: both nodes see three calls for the one, and the recorder hears alice on
// one stream and carol on the other.
func (r *round) recordingBib(ctx context.Context) (string, error) {
	to, err := r.pair.World.NewRecorder()
	if err != nil {
		return "", err
	}
	defer to.Close()
	near, _, _, err := r.talk(ctx, r.alice, r.pair.World.Carol, "carol", aliceTone)
	if err != nil {
		return "", err
	}
	rec, err := r.pair.World.Registrar.Record(ctx, "alice", to)
	if err != nil {
		return "", err
	}
	if err := to.Await(ctx, aliceTone, lab.CarolTone, enough); err != nil {
		return "", err
	}
	if err := r.recordingShown(ctx, near.CallID()); err != nil {
		return "", err
	}
	mine, theirs := to.Heard()
	if err := rec.Stop(ctx); err != nil {
		return "", err
	}
	return fmt.Sprintf("near end %s; far end %s; three calls counted on both nodes", mine, theirs), near.Hangup(ctx)
}

// recordingShown asks both nodes what they count.
func (r *round) recordingShown(ctx context.Context, callID string) error {
	for _, host := range []string{r.pair.CoreAddr(), r.pair.EdgeInner()} {
		shown, err := r.ask(ctx, host, "xStatus Calls")
		if err != nil {
			return err
		}
		for _, want := range []string{"Recording: NearEnd", "Recording: FarEnd"} {
			if strings.Count(shown, want) != 1 {
				return fmt.Errorf("%s does not show %s once: %s", host, want, shown)
			}
		}
		if strings.Count(shown, callID) != 2 {
			return fmt.Errorf("%s does not name the recorded call twice: %s", host, shown)
		}
		if usage, err := r.ask(ctx, host, "xStatus ResourceUsage Calls"); err != nil || !strings.Contains(usage, "Current: 3") || !strings.Contains(usage, "Recording: 2") {
			return fmt.Errorf("%s counts %s (%v)", host, usage, err)
		}
	}
	return nil
}
