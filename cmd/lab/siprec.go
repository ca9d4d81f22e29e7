package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"sallyport/test/lab"
)

// recordingSiprec has core itself record a call of alice: the recorder is told
// who speaks, writes a file for each side, and each has its side's tone.
func (r *round) recordingSiprec(ctx context.Context) (detail string, err error) {
	srs, at, err := r.pair.World.NewSRS(ctx)
	if err != nil {
		return "", err
	}
	defer srs.Close()
	// Who looks around after the round finds no recorder that is gone.
	defer func() {
		for _, line := range siprecUndone {
			err = errors.Join(err, r.say(ctx, line, r.pair.CoreAddr()))
		}
	}()
	for _, line := range siprecLines(at) {
		if err := r.say(ctx, line, r.pair.CoreAddr()); err != nil {
			return "", err
		}
	}
	near, far, _, err := r.talk(ctx, r.alice, r.pair.World.Carol, "carol", aliceTone)
	if err != nil {
		return "", err
	}
	rec, err := incoming(ctx, srs)
	if err != nil {
		return "", err
	}
	for i, user := range []string{"alice@example.com", "carol@example.com"} {
		if !strings.Contains(rec.Metadata(), fmt.Sprintf(`<nameID aor="sip:%s"/>`, user)) {
			return "", fmt.Errorf("the metadata does not name %s: %s", user, rec.Metadata())
		}
		if err := rec.AwaitLine(ctx, i, enough); err != nil {
			return "", err
		}
	}
	detail, err = siprecFiles(rec)
	if err != nil {
		return "", err
	}
	if _, err := far.AwaitMedia(ctx, aliceTone, enough); err != nil {
		return "the call itself:", err
	}
	if err := near.Hangup(ctx); err != nil {
		return "", err
	}
	if err := rec.Await(ctx, lab.CallEnded); err != nil {
		return "the recording goes on:", err
	}
	return detail, nil
}

// siprecUndone takes back what siprecLines says.
var siprecUndone = []string{
	`xConfiguration Recording Zone: ""`,
	`xConfiguration Recording User 1 Alias: ""`,
	`xConfiguration Recording Tone Mode: Off`,
	`xCommand ZoneDelete ZoneId: 21`,
}

func siprecLines(at netip.AddrPort) []string {
	return []string{
		`xConfiguration Zones Zone 21 Name: "Recorder"`,
		`xConfiguration Zones Zone 21 Type: Neighbor`,
		`xConfiguration Zones Zone 21 Neighbor Peer 1 Address: "` + at.Addr().String() + `"`,
		fmt.Sprintf(`xConfiguration Zones Zone 21 Neighbor SIP Port: %d`, at.Port()),
		`xConfiguration Zones Zone 21 Neighbor SIP Transport: TCP`,
		`xConfiguration Recording Zone: "Recorder"`,
		`xConfiguration Recording User 1 Alias: "alice@example.com"`,
		`xConfiguration Recording Tone Mode: On`,
	}
}

// siprecFiles writes a file for each side and listens to what is in it.
func siprecFiles(rec *lab.Call) (string, error) {
	dir, err := os.MkdirTemp("", "siprec")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	var told []string
	for i, hz := range []float64{aliceTone, lab.CarolTone} {
		name := filepath.Join(dir, fmt.Sprintf("side%d.wav", i+1))
		if err := os.WriteFile(name, rec.WAV(i), 0o600); err != nil {
			return "", err
		}
		file, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		tone, err := lab.WAVTone(file)
		if err != nil || !tone.Is(hz) {
			return "", fmt.Errorf("file %d has %.0f Hz (%.2f), want %.0f (%v)", i+1, tone.Hz, tone.Share, hz, err)
		}
		told = append(told, fmt.Sprintf("file %d has %.0f Hz in %d bytes", i+1, tone.Hz, len(file)))
	}
	return strings.Join(told, "; ") + "; it ends with the call", nil
}
