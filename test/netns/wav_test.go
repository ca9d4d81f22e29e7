package netns

import (
	"path/filepath"
	"testing"
)

func TestRecordingIsHeard(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tone.wav")
	WriteTone(t, file, 523, 3)
	r, err := readWAV(file)
	if err != nil {
		t.Fatal(err)
	}
	if r.Seconds() != 3 || r.Heard(523) != 1 || r.Heard(440) != 0 {
		t.Errorf("%.1f s, 523 Hz %.2f, 440 Hz %.2f", r.Seconds(), r.Heard(523), r.Heard(440))
	}
}
