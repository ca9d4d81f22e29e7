package uc

import (
	"strings"
	"testing"
)

// TestAdviseFcm holds the matrix to each row of the guide's table, to both
// spellings of a version, and to mixes that the table does not list.
func TestAdviseFcm(t *testing.T) {
	for _, c := range []struct {
		versions string
		want     FcmFlag
		why      string
	}{
		{"11.5(1) SU8, 12.5(1) SU2", FcmOff, "no node"},
		{"11.5(1) SU10, 12.5(1)", FcmOff, "no node"},
		{"11.5(1) SU9, 11.5(1) SU3, 12.5(1) SU1", FcmOff, "no node"},
		{"11.5(1) SU8, 12.5(1) SU3", FcmOff, "old ones"},
		{"12.5(1) SU2, 12.5(1) SU3", FcmOff, "old ones"},
		{"11.5(1) SU7, 12.5(1) SU2, 12.5(1) SU3", FcmOff, "old ones"},
		{"11.5(1) SU8, 12.5(1) SU4", FcmOff, "only nodes"},
		{"12.5(1) SU1, 12.5(1) SU7", FcmOff, "only nodes"},
		{"11.5(1) SU9, 12.5(1) SU3", FcmOn, "every node"},
		{"12.5(1) SU4, 12.5(1) SU3", FcmOn, "every node"},
		{"11.5(1) SU9, 12.5(1) SU4, 12.5(1) SU3", FcmOn, "every node"},
		{"11.5(1) SU9, 12.5(1) SU4", FcmNotNeeded, "agree"},
		{"11.5.1.21900-40, 12.5.1.14900-63", FcmNotNeeded, "agree"},
		{"11.5.1.18900-97, 12.5.1.13900-17", FcmOff, "old ones"},
		{"12.5.1.12900-25, 12.5.1.10000-22", FcmUnknown, "12.5(1) SU0, 12.5(1) SU2"},
		{"12.5.1.13900-17", FcmUnknown, "12.5(1) SU3"},
		{"11.5(1) SU8, 12.5(1) SU3, 12.5(1) SU4", FcmUnknown, "does not list"},
		{"11.5(1) SU8, 11.5(1) SU9", FcmUnknown, "does not list"},
		{"12.5(1) SU4, 14.0.1.10000-20", FcmUnknown, "14.0.1.10000-20"},
		{"12.5(1) SU4, ", FcmUnknown, `""`},
		{"10.5.2.12901-1, 12.5(1) SU4", FcmUnknown, "10.5"},
	} {
		got := AdviseFcm(strings.Split(c.versions, ", "))
		if got.Flag != c.want || !strings.Contains(got.Why, c.why) {
			t.Errorf("%s: %s (%s), want %s (%s)", c.versions, got.Flag, got.Why, c.want, c.why)
		}
	}
	if got := AdviseFcm(nil); got.Flag != FcmUnknown {
		t.Errorf("no node: %+v", got)
	}
}
